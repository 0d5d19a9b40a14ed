"""NDDR-CNN: known answers of its own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.layers import NDDR
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="nddr", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


def held(model):
    """The model with fusions that are not trained."""
    for layer in model.layers:
        if isinstance(layer, NDDR):
            layer.trainable = False
    return model


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_own_channels_alone_are_single_task_in_training_too(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True), "tower": (3,)}
    helpers.assert_same_training(held(build(own=1.0, batch_norm=False, **options)), build("single_task", **options), *data(rng, inputs))


def test_with_batch_normalisation_they_are_single_task_on_a_normalised_trunk(rng):
    convs = {"conv1": [layers.Conv2D(3, 3), layers.MaxPooling2D(2)], "conv2": [layers.Conv2D(4, 2, activation="relu")]}
    plain = {**convs, "conv2": [*convs["conv2"], layers.Flatten()], "dense": layers.Dense(5)}
    normalised = {stage: [*found, layers.BatchNormalization(momentum=0.9)] for stage, found in convs.items()}
    normalised = {
        **normalised,
        "conv2": [*normalised["conv2"], layers.Flatten()],
        "dense": [layers.Dense(5), layers.BatchNormalization(momentum=0.9)],
    }
    ours = held(build(inputs=(8, 8, 1), trunk=trunks.Trunk(plain), own=1.0))
    helpers.assert_same_training(ours, build("single_task", inputs=(8, 8, 1), trunk=trunks.Trunk(normalised)), *data(rng, (8, 8, 1)))


def test_fusions_stand_in_front_of_flattening_and_behind_every_stage_with_weights():
    trunk = trunks.Trunk({"conv": layers.Conv2D(3, 3), "flat": layers.Flatten(), "dense": [layers.Dense(4), layers.Dropout(0.1)]})
    assert list(build(inputs=(6, 6, 1), trunk=trunk).sharing()) == ["conv_nddr", "dense_nddr"]
    model = build(inputs=(8, 8, 1), trunk=trunks.cnn((3, 4)))
    assert model.get_layer("conv2_nddr").kernel.shape == (2, 2, 4, 4)
    assert model.get_layer("conv2_nddr_norm").moving_mean.shape == (2, 4)


def test_the_last_fusion_belongs_to_the_tasks():
    model = build()
    assert [model.get_layer(name).slices for name in ("dense1_nddr", "dense1_nddr_norm")] == [None, None]
    assert [model.get_layer(name).slices for name in ("dense2_nddr", "dense2_nddr_norm")] == ["tasks", "tasks"]


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    fusions = 2**2 * (4**2 + 6**2)
    assert build(batch_norm=False).count_params() == 2 * trunk + fusions + heads
    assert build().count_params() == 2 * trunk + fusions + 4 * 2 * (4 + 6) + heads


def test_tasks_learn_to_read_each_other(rng):
    model = build(optimizer=keras.optimizers.Adam(0.02))
    x, y = data(rng)
    model.fit(x, y, epochs=3, verbose=0)
    for matrix in model.sharing().values():
        assert np.all(np.abs(matrix - [[0.9, 0.1], [0.1, 0.9]]) > 1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"own": 1.1}, ValueError, "`own`"),
        ({"batch_norm": "yes"}, TypeError, "`batch_norm` must be True or False"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"flat": layers.Flatten()})}, ValueError, "`trunk` must have a stage with weights"),
        ({"inputs": (6, 6, 1), "trunk": layers.Conv2D(2, 3)}, ValueError, "Flatten"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)
