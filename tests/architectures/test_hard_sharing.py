"""Hard sharing: known answers of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(**arguments):
    return mtlzoo.architectures.hard_sharing((5,), TASKS, **{"trunk": trunks.mlp((4, 4), batch_norm=True), "seed": 0, **arguments})


def test_the_gradient_of_a_shared_kernel_is_the_sum_over_tasks(rng):
    model = build(trunk=trunks.mlp((4,)))
    x, y = rng.normal(size=(16, 5)).astype("float32"), helpers.labels_for(TASKS, 16, rng)
    kernel = model.get_layer("dense1_dense").kernel

    def gradient(alphas):
        model.alphas = alphas
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x, y, model(x))
        return tape.gradient(loss, kernel.value).numpy()

    both, first, second = gradient({"a": 0.7, "b": 2.0}), gradient({"a": 1.0, "b": 0.0}), gradient({"a": 0.0, "b": 1.0})
    np.testing.assert_allclose(both, 0.7 * first + 2.0 * second, atol=1e-6)


def test_parameters_by_formula():
    assert build(trunk=trunks.mlp((4, 6)), tower=(3,)).count_params() == (5 * 4 + 4) + (4 * 6 + 6) + 2 * (6 * 3 + 3) + (3 * 3 + 3) + (3 + 1)


@pytest.mark.parametrize("frozen", [True, ["dense1"]])
def test_frozen_weights_do_not_move(frozen, rng):
    model = build(frozen=frozen)
    x, y = rng.normal(size=(32, 5)), helpers.labels_for(TASKS, 32, rng)
    before = helpers.named_weights(model)
    model.fit(x, y, epochs=2, verbose=0)
    after = helpers.named_weights(model)
    fixed = {path for path in before if path.startswith("dense1" if frozen != True else "dense")}  # noqa: E712
    assert {path for path in before if np.array_equal(before[path], after[path])} == fixed
    assert len(fixed) == (12 if frozen is True else 6)


def test_a_frozen_pretrained_trunk_survives_saving(rng, tmp_path):
    pretrained = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu")])
    model = build(trunk=pretrained, frozen=True)
    x = rng.normal(size=(8, 5)).astype("float32")
    model.fit(x, helpers.labels_for(TASKS, 8, rng), verbose=0)
    inner = model.get_layer("trunk_sequential")
    np.testing.assert_array_equal(inner(x), pretrained(x))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.get_layer("trunk_sequential")(x), pretrained(x))
    assert len(loaded.trainable_variables) == len(model.trainable_variables) == 4


@pytest.mark.parametrize(
    ("frozen", "error", "message"), [(["dense3"], ValueError, "Did you mean"), ("dense1", TypeError, "list of stage names")]
)
def test_bad_frozen_is_refused(frozen, error, message):
    with pytest.raises(error, match=message):
        build(frozen=frozen)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ("image", TypeError, "`inputs` must be a shape"),
        ({}, ValueError, "at least one shape"),
        ({"a_input": (5,)}, ValueError, r"missing \['b'\]"),
        ({"image": (5,), "text": (3,)}, ValueError, "several named inputs"),
        ((4, 4), ValueError, "inputs of shape"),
    ],
)
def test_bad_inputs_are_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        mtlzoo.architectures.hard_sharing(inputs, TASKS)


def test_one_input_a_task_shares_the_weights():
    model = mtlzoo.architectures.hard_sharing({"a": (5,), "b": (5,)}, TASKS, trunk=trunks.mlp((4,)), seed=0)
    assert model.count_params() == build(trunk=trunks.mlp((4,))).count_params()


def test_several_named_inputs_reach_the_trunk(rng):
    inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((2,), name="right")}
    joined = keras.Model(inputs, keras.layers.Concatenate()([inputs["left"], inputs["right"]]))
    model = mtlzoo.architectures.hard_sharing({"left": (3,), "right": (2,)}, TASKS, trunk=joined)
    predicted = model.predict({"left": rng.normal(size=(4, 3)), "right": rng.normal(size=(4, 2))}, verbose=0)
    assert predicted["a"].shape == (4, 3)


def test_two_inputs_of_one_task_are_refused():
    tasks = [Task.binary("a"), Task.binary("b")]
    with pytest.raises(ValueError, match="two are one task's"):
        mtlzoo.architectures.hard_sharing({"a": (8,), "a_input": (3,), "b": (3,)}, tasks, trunk="mlp")
