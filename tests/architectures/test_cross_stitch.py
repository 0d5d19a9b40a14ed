"""Cross-stitch networks: known answers of their own."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="cross_stitch", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def stitches(model):
    return [layer for layer in model.layers if hasattr(layer, "sharing")]


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_identity_is_single_task_in_training_too(trunk, per_channel, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True), "tower": (3,)}
    stitched, single = build(per_channel=per_channel, own=1.0, **options), build("single_task", **options)
    for unit in stitches(stitched):
        unit.trainable = False
    for model in (stitched, single):
        model.compile("sgd")
    x, y = data(rng, inputs)
    ours, theirs = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (stitched, single))
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in single.predict(x, verbose=0).items():
        np.testing.assert_allclose(stitched.predict(x, verbose=0)[task], output, atol=1e-5)


def test_halves_everywhere_give_both_tasks_the_same_features(rng):
    model = build(own=0.5)
    x, _ = data(rng)
    found = keras.Model(model.input, stitches(model)[-1].output).predict(x, verbose=0)
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-6)
    assert np.ptp(found) > 0.1


def test_a_unit_follows_every_stage_and_starts_convex():
    found = build(tasks=[*TASKS, Task.binary("c")], trunk=trunks.mlp((4, 6, 5))).sharing()
    assert list(found) == ["dense1_stitch", "dense2_stitch", "dense3_stitch"]
    for matrix in found.values():
        np.testing.assert_allclose(matrix, 0.05 + 0.85 * np.eye(3), atol=1e-6)


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build().count_params() == 2 * trunk + 2 * 2**2 + heads
    assert build(per_channel=True).count_params() == 2 * trunk + 2**2 * (4 + 6) + heads


def test_trunks_start_as_those_of_single_task():
    stitched, single = build(), build("single_task")
    for task in ("a", "b"):
        for stage in ("dense1", "dense2"):
            found = stitched.get_layer(f"tasks_{stage}_dense").copy_weights(task)
            for weight, wanted in zip(found, single.get_layer(f"{task}_{stage}_dense").get_weights(), strict=True):
                np.testing.assert_array_equal(weight, wanted)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [({"own": 1.1}, ValueError, "`own`"), ({"per_channel": "yes"}, TypeError, "`per_channel` must be True or False")],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)


def test_with_an_input_a_task_the_identity_is_single_task_batch_norm_included(rng):
    inputs, options = {"a": (5,), "b": (5,)}, {"trunk": trunks.mlp((4, 6), batch_norm=True)}
    stitched, single = build(inputs=inputs, own=1.0, **options), build("single_task", inputs=inputs, **options)
    for unit in stitches(stitched):
        unit.trainable = False
    x, y = data(rng)
    x = {"a_input": x, "b_input": 5 * x + 20}
    for model in (stitched, single):
        model.compile("sgd")
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for task, output in single.predict(x, verbose=0).items():
        np.testing.assert_allclose(stitched.predict(x, verbose=0)[task], output, atol=1e-5)


def test_padding_of_sequences_is_not_read():
    layers = keras.layers
    trunk = trunks.Trunk({"embed": layers.Embedding(10, 4, mask_zero=True), "read": layers.LSTM(6), "think": layers.Dense(4)})
    model = build(inputs=keras.Input((None,), dtype="int32"), trunk=trunk)
    short, padded = (model.predict(np.array([row]), verbose=0) for row in ([1, 2, 3], [1, 2, 3, 0, 0]))
    for task in ("a", "b"):
        np.testing.assert_allclose(short[task], padded[task], atol=1e-6)
