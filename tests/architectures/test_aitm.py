"""AITM: known answers of its own."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from mtlzoo.architectures import aitm, conditionals, hard_sharing

TASKS = [Task.binary("click"), Task.binary("cart"), Task.multiclass("kind", 3), Task.binary("buy"), Task.binary("keep", from_logits=True)]


def build(tasks=TASKS, inputs=(5,), **arguments):
    return aitm(inputs, tasks, **{"trunk": trunks.mlp((8, 6)), "tower": (7, 4), "seed": 0, **arguments})


def disordered(rng, rows=512):
    """Rows whose second step is labelled more often than the first."""
    x = rng.normal(size=(rows, 5)).astype("float32")
    draws = rng.uniform(size=(2, rows))
    rates = 1 / (1 + np.exp(-x[:, 0])), 1 / (1 + np.exp(x[:, 0]))
    return x, {name: (draw < rate).astype("float32") for name, draw, rate in zip(("click", "cart"), draws, rates, strict=True)}


def test_a_trained_penalty_keeps_every_step_below_the_one_before(rng):
    x, y = disordered(rng)
    excess = {}
    for penalty in (0.0, 20.0):
        model = build(TASKS[:2], penalty=penalty, optimizer=keras.optimizers.Adam(0.01))
        history = model.fit(x, y, batch_size=128, epochs=40, verbose=0).history
        found = model.predict(x, verbose=0)
        excess[penalty] = np.maximum(found["cart"] - found["click"], 0)
        assert ("calibrator_loss" in history) == bool(penalty)
    assert excess[0.0].mean() > 0.1 and excess[0.0].max() > 0.5
    assert excess[20.0].mean() < 1e-3 and excess[20.0].max() < 0.02


def test_the_penalty_is_between_neighbours_that_are_binary_and_reported(rng):
    model, x = build(penalty=0.5), rng.normal(size=(20, 5)).astype("float32")
    found = {name: values.numpy() for name, values in model(x).items()}
    keep = 1 / (1 + np.exp(-found["keep"]))
    wanted = [0.5 * np.maximum(found["cart"] - found["click"], 0).mean(), 0.5 * np.maximum(keep - found["buy"], 0).mean()]
    np.testing.assert_allclose(sorted(float(loss) for loss in model.losses), sorted(wanted), rtol=1e-4)
    y = {"click": np.ones(20), "cart": np.ones(20), "kind": np.ones(20, "int32"), "buy": np.ones(20), "keep": np.ones(20)}
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    assert logs["calibrator_loss"] == pytest.approx(sum(wanted), rel=1e-4)
    assert logs["loss"] == pytest.approx(sum(logs[f"{task.name}_loss"] for task in TASKS) + sum(wanted), rel=1e-4)


def test_without_penalty_the_outputs_are_the_same_and_nothing_is_added(rng):
    x = rng.normal(size=(20, 5)).astype("float32")
    with_penalty, without = build(), build(penalty=0.0)
    assert with_penalty.count_params() == without.count_params() and "calibrator" not in [layer.name for layer in without.layers]
    for name, output in without.predict(x, verbose=0).items():
        np.testing.assert_allclose(with_penalty.predict(x, verbose=0)[name], output, atol=1e-6)
    without(x)
    assert without.losses == []


def test_parameters_by_formula():
    trunk, towers, transfer, heads = (5 * 8 + 8) + (8 * 6 + 6), 5 * ((6 * 7 + 7) + (7 * 4 + 4)), 4 * (4 * 4**2 + 4), 7 * (4 + 1)
    assert build().count_params() == trunk + towers + transfer + heads


def test_one_task_is_hard_sharing_with_the_same_tower(rng):
    x = rng.normal(size=(20, 5)).astype("float32")
    ours, theirs = build(TASKS[:1]), hard_sharing((5,), TASKS[:1], trunk=trunks.mlp((8, 6)), tower=(7, 4))
    for index in (1, 2):
        weights = ours.get_layer(f"tasks_tower{index}_dense").copy_weights("click")
        theirs.get_layer(f"click_tower{index}").set_weights(weights)
    for name in ("dense1_dense", "dense2_dense", "click"):
        theirs.get_layer(name).set_weights(ours.get_layer(name).get_weights())
    np.testing.assert_allclose(ours.predict(x, verbose=0)["click"], theirs.predict(x, verbose=0)["click"], atol=1e-6)


def test_earlier_steps_do_not_read_later_ones(rng):
    model, x = build(), rng.normal(size=(20, 5)).astype("float32")
    before = model.predict(x, verbose=0)
    tower = model.get_layer("tasks_tower1_dense")
    tower.set_copy_weights("kind", [weight + 1 for weight in tower.copy_weights("kind")])
    after = model.predict(x, verbose=0)
    for name in ("click", "cart"):
        np.testing.assert_array_equal(before[name], after[name])
    for name in ("kind", "buy", "keep"):
        assert not np.allclose(before[name], after[name])


def test_with_an_input_a_task_the_penalty_compares_steps_of_the_same_rows(rng):
    model = build(TASKS[:2], inputs={"click": (5,), "cart": (5,)}, penalty=1.0)
    x = {"click_input": rng.normal(size=(20, 5)), "cart_input": rng.normal(size=(20, 5))}
    found = model(x)
    (loss,) = (float(one) for one in model.losses)
    same = model.predict({"click_input": x["cart_input"], "cart_input": x["cart_input"]}, verbose=0)
    assert loss == pytest.approx(np.maximum(found["cart"] - same["click"], 0).mean(), rel=1e-4)


def test_attention_can_be_read_and_heads_are_the_tasks_own(rng):
    model = build()
    (matrix,) = model.sharing(rng.normal(size=(20, 5))).values()
    assert matrix.shape == (5, 2) and matrix[0].tolist() == [0, 1]
    np.testing.assert_allclose(matrix.sum(-1), 1, rtol=1e-5)
    assert np.ptp(matrix[1:, 0]) > 1e-3
    sharing = Sharing(model)
    own = [{model.trainable_variables[index].path.split("/")[0] for index in part} for part in sharing.own]
    assert own == [{"click_logits"}, {"cart_logits"}, {"kind"}, {"buy_logits"}, {"keep_logits"}]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"penalty": -1}, ValueError, "`penalty` must be a finite number at least 0"),
        ({"tower": ()}, ValueError, "`tower` must have at least one width"),
        ({"inputs": (6, 6, 1), "trunk": keras.layers.Conv2D(2, 3)}, ValueError, r"must be vectors a task \[batch, 5, features\]"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)


def test_its_outputs_are_no_products():
    with pytest.raises(ValueError, match="must have joint probabilities"):
        conditionals(build())
