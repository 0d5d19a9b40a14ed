"""Copies of a trunk that run as one: each starts and computes as the copy of its name alone."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo import trunks
from mtlzoo.layers import ForAll
from mtlzoo.trunks import Trunk

NAMES = ("digit", "fashion", "letter")


def pretrained():
    """A trunk whose layers have weights already: a dense one, a normalisation and a whole model."""
    keras.utils.set_random_seed(3)
    parts = [layers.Flatten(), layers.Dense(6), layers.BatchNormalization()]
    whole = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(4)])
    trained = keras.Sequential([keras.Input((6, 6, 1)), *parts])
    trained.set_weights([weight + np.random.default_rng(0).uniform(0, 1, weight.shape) for weight in trained.get_weights()])
    return Trunk({"read": parts, "think": whole})


TRUNKS = {
    "mlp": lambda: trunks.mlp((7, 5), batch_norm=True, dropout=0.3),
    "cnn": lambda: trunks.cnn(filters=(4, 18), dense=(5,), batch_norm=True, dropout=0.2),
    "fixed_seed": lambda: Trunk({"dense": [layers.Flatten(), layers.Dense(4, kernel_initializer=keras.initializers.HeNormal(seed=7))]}),
    "pretrained": pretrained,
}


def run(stages, x):
    for stage in stages:
        x = stage(x)
    return x


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("entries", [1, 3])
def test_each_copy_is_the_copy_of_its_name(trunk, entries, rng):
    seed = None if trunk == "fixed_seed" else 5
    template = TRUNKS[trunk]()
    together = template.stacked(NAMES, seed)
    x = rng.normal(size=(4, entries, 6, 6, 1)).astype("float32")
    found = run(together, x)
    for index, name in enumerate(NAMES):
        alone = template.copy(name, seed)
        np.testing.assert_allclose(found[:, index], run(alone, x[:, index % entries]), atol=1e-5)
        for mine, theirs in zip(together, alone, strict=True):
            for layer, single in zip(mine.layers, theirs.layers, strict=True):
                for weight, wanted in zip(layer.copy_weights(name), single.get_weights(), strict=True):
                    np.testing.assert_array_equal(weight, wanted)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_training_moves_the_copies_as_it_moves_them_alone(trunk, rng):
    template = trunks.mlp((6,), batch_norm=True) if trunk == "mlp" else trunks.cnn(filters=(3,), dense=(4,))
    x, y = rng.normal(size=(32, 6, 6, 1)).astype("float32"), rng.normal(size=(32, 2)).astype("float32")
    inputs = keras.Input((6, 6, 1))
    together = template.stacked(NAMES[:2], 1)
    model = keras.Model(inputs, keras.ops.mean(run(together, ForAll()(inputs)), axis=-1))
    alone = [template.copy(name, 1) for name in NAMES[:2]]
    apart = keras.Model(inputs, keras.ops.stack([keras.ops.mean(run(stages, inputs), axis=-1) for stages in alone], axis=1))
    for one in (model, apart):
        one.compile(keras.optimizers.Adam(0.01), "mse")
        one.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for index, stages in enumerate(alone):
        for mine, theirs in zip(together, stages, strict=True):
            for layer, single in zip(mine.layers, theirs.layers, strict=True):
                for weight, wanted in zip(layer.copy_weights(index), single.get_weights(), strict=True):
                    np.testing.assert_allclose(weight, wanted, atol=2e-4)


def test_layers_are_named_by_role_and_know_whom_they_serve():
    stages = trunks.mlp((4, 3)).stacked(NAMES, 0, prefix="tasks", slices="tasks")
    assert [layer.name for stage in stages for layer in stage.layers] == [
        "tasks_dense1_flatten",
        "tasks_dense1_dense",
        "tasks_dense2_dense",
    ]
    assert [stage.name for stage in stages] == ["dense1", "dense2"]
    assert {layer.slices for stage in stages for layer in stage.layers} == {"tasks"}
    assert stages[1].layers[0].copies == NAMES
    stages[1].freeze()
    run(stages, np.ones((2, 1, 5), "float32"))
    assert not stages[1].layers[0].trainable_variables and len(stages[0].layers[1].trainable_variables) == 2


@pytest.mark.parametrize(
    ("names", "seed", "error", "message"),
    [(["a", "a"], None, ValueError, "none twice"), (["a"], "x", TypeError, "`seed`"), ([], None, ValueError, "received none")],
)
def test_bad_arguments_are_refused(names, seed, error, message):
    with pytest.raises(error, match=message):
        trunks.mlp().stacked(names, seed)
