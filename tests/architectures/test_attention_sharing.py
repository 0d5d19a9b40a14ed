"""Attention-weighted feature sharing: known answers of its own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="attention_sharing", inputs=(5,), **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, TASKS, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


def weights(model, x):
    return keras.Model(model.input, model.get_layer("attention").output).predict(x, verbose=0)


def test_weights_sum_to_one_and_leave_out_what_other_tasks_keep_to_themselves(rng):
    model = build(groups=3)
    x, _ = data(rng)
    found = weights(model, x)
    assert found.shape == (48, 2, 5)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    assert np.all(found[:, 0, 4] == 0) and np.all(found[:, 1, 3] == 0) and np.ptp(found[:, 0, 0]) > 0
    np.testing.assert_allclose(model.sharing(x)["attention"], found.mean(0)[[[0] * 4, [1] * 4], [[0, 1, 2, 3], [0, 1, 2, 4]]], rtol=1e-5)


def test_no_temperature_reads_one_group(rng):
    model = build(temperature=0.0)
    x, _ = data(rng)
    found = weights(model, x)
    assert set(np.unique(found)) == {0.0, 1.0}
    read = keras.Model(model.input, [model.get_layer("groups").output, model.get_layer("mixture").output])
    groups, mixed = read.predict(x, verbose=0)
    for task in range(2):
        np.testing.assert_allclose(mixed[:, task], groups[np.arange(48), found[:, task].argmax(-1)], atol=1e-6)


def test_queries_and_keys_learn_at_no_temperature(rng):
    model = build(temperature=0.0)
    x, y = data(rng)
    before = {name: model.get_layer(name).get_weights()[0] for name in ("attention", "keys")}
    model.fit(x, y, epochs=2, verbose=0)
    for name, values in before.items():
        assert np.abs(model.get_layer(name).get_weights()[0] - values).max() > 1e-4


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_all_weight_on_the_private_group_is_single_task(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    made = trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6))
    model, single = (build(name, inputs=inputs, trunk=made, tower=(3,)) for name in ("attention_sharing", "single_task"))
    for stage in model.layers:
        if stage.name.startswith("shared_") and stage.weights:
            stage.set_weights([0 * weight for weight in stage.get_weights()])
    width = model.get_layer("keys").kernel.shape[0]
    # Private features are not negative behind ReLU, so that keys of ones favour them over the zeros of the shared groups.
    model.get_layer("keys").set_weights([np.full((width, 32), 1e6, "float32")])
    model.get_layer("attention").set_weights([np.ones((2, 32), "float32")])
    x, _ = data(rng, inputs)
    private = keras.Model(model.input, model.get_layer("groups").output).predict(x, verbose=0)[:, 2:]
    alive = np.all(private.sum(-1) > 1e-3, axis=1)
    assert alive.sum() > 20
    for task, output in single.predict(x[alive], verbose=0).items():
        np.testing.assert_allclose(model.predict(x[alive], verbose=0)[task], output, atol=1e-5)


def test_what_a_task_keeps_is_nothing_to_the_other(rng):
    model = build()
    x, _ = data(rng)
    before = model.predict(x, verbose=0)
    stage = model.get_layer("private_dense1_dense")
    stage.set_copy_weights("a", [weight + 1 for weight in stage.copy_weights("a")])
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["b"], after["b"])
    assert not np.allclose(before["a"], after["a"])


def test_parameters_by_formula():
    groups, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build(groups=3).count_params() == (3 + 2) * groups + 32 * 6 + 32 * 2 + heads
    assert build(groups=3, stem=1).count_params() == (5 * 4 + 4) + (3 + 2) * (4 * 6 + 6) + 32 * 6 + 32 * 2 + heads


def test_groups_start_different_and_private_ones_as_in_single_task():
    model, single = build(groups=2), build("single_task")
    shared, private = model.get_layer("shared_dense1_dense"), model.get_layer("private_dense1_dense")
    assert not np.allclose(*shared.kernel.numpy()) and not np.allclose(*private.kernel.numpy())
    for task in "ab":
        np.testing.assert_array_equal(private.copy_weights(task)[0], single.get_layer(f"{task}_dense1_dense").kernel.numpy())


def test_private_groups_and_queries_are_the_tasks_own():
    model = build(stem=1)
    sharing = Sharing(model)
    layers_of = [variable.path.split("/")[0] for variable in model.trainable_variables]
    assert {layers_of[index] for index in sharing.sliced} == {"private_dense2_dense", "attention"}
    assert {layers_of[index] for index in sharing.shared} == {"dense1_dense", "shared_dense2_dense", "keys"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 0}, "`groups` must be a whole number at least 1"),
        ({"temperature": -1.0}, "`temperature`"),
        ({"stem": 2}, r"`stem` must leave at least one of the trunk's stages \['dense1', 'dense2'\]"),
        ({"stem": -1}, "`stem`"),
        ({"trunk": trunks.Trunk({"a": layers.Dense(3), "b": layers.ReLU()}), "stem": 1}, "must have weights behind its stem"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": layers.Conv2D(2, 3)})}, r"`trunk` must end in vectors.*\(None, 4, 4, 2\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
