"""Mixtures of k chosen experts: known answers of their own."""

import keras
import numpy as np
import pytest

from mtlzoo import trunks
from tests.architectures.expert_cases import blocks_reached, build, data, same_outputs, same_training


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_one_expert_is_hard_sharing(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6)), "tower": (3,)}
    one, hard = build("dselect_k", experts=1, k=1, **options), build("hard_sharing", **options)
    for layer in one.layers:
        if layer.name.startswith("experts_") and layer.weights:
            layer.set_copy_weights("expert0", hard.get_layer(layer.name.removeprefix("experts_")).get_weights())
    same_training(one, hard, *data(rng, inputs))


def test_saturated_codes_leave_each_task_the_k_experts_that_it_chose(rng):
    model = build("dselect_k", experts=4, k=2, selectors={"per_example": False})
    # Task a reads experts 0 and 3, task b 1 and 2; shares are equal.
    codes = [[-1, -1, 1, 1, 0, 0], [1, -1, -1, 1, 0, 0]]
    model.get_layer("selectors").set_weights([np.array(codes, "float32")])
    np.testing.assert_array_equal(model.sharing()["selectors"], [[0.5, 0, 0, 0.5], [0, 0.5, 0.5, 0]])
    x, _ = data(rng)
    before = model.predict(x, verbose=0)
    for name in ("experts_dense1_dense", "experts_dense2_dense"):
        layer = model.get_layer(name)
        layer.set_copy_weights("expert1", [5 + weight for weight in layer.copy_weights("expert1")])
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["a"], after["a"])
    assert not np.allclose(before["b"], after["b"])


def test_the_penalty_joins_the_loss_and_no_task_s_loss(rng):
    x, y = data(rng)
    free, bound = (build("dselect_k", selectors={"entropy": entropy}) for entropy in (0.0, 0.7))
    same_outputs(free, bound, x)
    plain, penal = (model.evaluate(x, y, batch_size=48, return_dict=True, verbose=0) for model in (free, bound))
    bound(x)
    (penalty,) = bound.losses
    assert not free.losses and penalty > 1
    np.testing.assert_allclose(penal["loss"] - plain["loss"], penalty, rtol=1e-4)
    for key in ("a_loss", "b_loss"):
        np.testing.assert_allclose(penal[key], plain[key], rtol=1e-5)
    np.testing.assert_allclose(penal["selectors_loss"], penalty, rtol=1e-4)
    assert "selectors_loss" not in plain


def test_parameters_by_formula():
    experts, heads = 3 * ((5 * 4 + 4) + (4 * 6 + 6)), (6 * 3 + 3) + (6 + 1)
    assert build("dselect_k", experts=3, k=2).count_params() == experts + 2 * (5 + 1) * 2 * (2 + 1) + heads
    assert build("dselect_k", experts=3, k=1).count_params() == experts + 2 * (5 + 1) * 2 + heads
    assert build("dselect_k", experts=3, k=3, selectors={"per_example": False}).count_params() == experts + 2 * 3 * (2 + 1) + heads


def test_weights_sum_to_one_and_selectors_serve_their_task_alone(rng):
    model = build("dselect_k", experts=5, k=3, tower=(3,))
    x, _ = data(rng)
    gates = keras.Model(model.input, model.get_layer("selectors").output).predict(x, verbose=0)
    np.testing.assert_allclose(gates.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.sharing(x)["selectors"], gates.mean(0), atol=1e-6)
    found = blocks_reached(model, x)
    assert set(found) == {"selectors", "towers1"} and all(reached == {0: {0}, 1: {1}} for reached in found.values())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"experts": 3, "k": 4}, ValueError, "`k` must be a whole number at least 1 and at most 3; received 4"),
        ({"experts": 0}, ValueError, "`experts` must be a whole number at least 1"),
        ({"selectors": {"gama": 1.0}}, ValueError, "`selectors key`.*Did you mean 'gamma'"),
        ({"selectors": {"gamma": 0.0}}, ValueError, "`gamma` must be a finite number above 0"),
        ({"selectors": 3}, TypeError, "`selectors` must be None or a dict of options"),
        ({"stem": 2}, ValueError, "`stem` must leave at least one"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build("dselect_k", **arguments)
