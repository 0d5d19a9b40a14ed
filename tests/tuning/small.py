"""Small tasks whose answers are known, for the tests of tuning."""

import keras
import numpy as np

import mtlzoo
from mtlzoo import Task
from mtlzoo.trunks import Trunk


def tasks(monitor=("mae", "min")):
    """Two regression tasks, a and b."""
    return [Task.regression(name, monitor=monitor) for name in ("a", "b")]


def data(rows=48, seed=0):
    """A mixture in three batches: a and b are two numbers of the input, b with noise; which a narrow trunk cannot serve both."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)).astype("float32")
    labels = {"a": x[:, 0], "b": x[:, 1] + 0.5 * rng.normal(size=rows).astype("float32")}
    return mtlzoo.data.aligned((x, labels), tasks(), batch_size=16, seed=seed)


def model(seed=0, balancer=None, eager=True):
    """A trunk of one unit with dropout in front, and a head a task; run eagerly, since a few steps take less than tracing one."""
    trunk = Trunk({"narrow": [keras.layers.Dropout(0.1), keras.layers.Dense(1)]})
    made = mtlzoo.architectures.hard_sharing((3,), tasks(), trunk=trunk, seed=seed, optimizer=keras.optimizers.Adam(0.01))
    made.compile(keras.optimizers.Adam(0.01), balancer=balancer, run_eagerly=eager)
    return made


def one_parameter(rate=0.1):
    """Both outputs are one parameter θ, which starts at 1; with the targets 0 and 2 the front is √f_a + √f_b = 2, f the squared errors."""
    trunk = Trunk({"theta": [keras.layers.Dense(1, use_bias=False)]})
    made = mtlzoo.architectures.hard_sharing((1,), tasks(("loss", "min")), trunk=trunk)
    made.layers[1].set_weights([np.ones((1, 1))])
    for name in ("a", "b"):
        made.get_layer(name).set_weights([np.ones((1, 1)), np.zeros(1)])
        made.get_layer(name).trainable = False
    made.compile(keras.optimizers.SGD(rate))
    return made


def targets():
    """64 rows, all with the input 1 and the targets 0 and 2."""
    ones = np.ones((64, 1), "float32")
    return mtlzoo.data.aligned((ones, {"a": 0 * ones[:, 0], "b": 2 * ones[:, 0]}), tasks(), batch_size=1)
