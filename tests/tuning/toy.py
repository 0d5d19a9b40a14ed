"""A convex toy with a known front: one parameter θ, two tasks that want it at 0 and at 1.

With Σα = 2 and this learning rate, one step of gradient descent reaches the minimum θ = α₂ / Σα of Σ α_t (θ − target_t)².
"""

import time

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import MultiTaskModel, Task, tuning
from mtlzoo.architectures import hard_sharing

TARGETS = {"zero": 0.0, "one": 1.0}
ARRAYS = (np.ones((4, 1), "float32"), {name: np.full((4,), value, "float32") for name, value in TARGETS.items()})
DATA = tf.data.Dataset.from_tensors(ARRAYS)
BOTH = {"zero": 1.0, "one": 1.0}
SQUARED = keras.metrics.MeanSquaredError(name="mse")


def tasks(**changes):
    """The two tasks, with the squared distance as main metric."""
    return [Task.regression(name, metrics=[SQUARED], monitor=("mse", "min"), **changes) for name in TARGETS]


def build(hp):
    """The model: an output of each task, both the one parameter."""
    x = keras.Input((1,))
    theta = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0), name="theta")(x)
    model = MultiTaskModel(x, {name: keras.layers.Identity(name=name)(theta) for name in TARGETS}, tasks=tasks())
    model.compile(keras.optimizers.SGD(0.25), run_eagerly=True)
    return model


def search(folder, builder=build, **changes):
    """A small search on the toy."""
    arguments = {"search": "random", "alphas": "simplex", "objective": BOTH, "max_trials": 3, "epochs": 1, **changes}
    return tuning.tune(builder, DATA, DATA, folder=folder, **arguments)


def template(**changes):
    """A small model that a builder made, for two tasks on four numbers."""
    arguments = {"trunk": "mlp", "tower": (3,), "optimizer": keras.optimizers.SGD(0.01), "seed": 3, **changes}
    return hard_sharing((4,), [Task.regression("a", alpha=0.5), Task.binary("b")], **arguments)


def rows(count=16, seed=0):
    """Data for the template."""
    x = np.random.default_rng(seed).normal(size=(count, 4)).astype("float32")
    return x, {"a": x.sum(axis=1), "b": (x[:, 0] > 0).astype("float32")}


def wait_for(path, seconds=240):
    """Waits until a file is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{path} did not come")
        time.sleep(0.1)
