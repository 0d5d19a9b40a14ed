"""Alphas that a balancer learnt are the mean of its weights, normalised."""

import keras
import numpy as np
import pytest

from mtlzoo.balancing import FixedWeights, UncertaintyWeighting
from mtlzoo.tuning import _states, learn_alphas
from mtlzoo.tuning.learn_alphas import normalised
from tests.tuning import small


def test_they_are_the_mean_over_the_last_epochs_times_alpha():
    model, data = small.model(), small.data()
    model.alphas = {"b": 3.0}
    before = model.get_weights()
    found = learn_alphas(model, data, epochs=4, last=0.5)
    assert sum(found.values()) == pytest.approx(2.0) and found["b"] != found["a"]
    learner = small.model(balancer="uncertainty_weighting", eager=True)
    learner.alphas = {"b": 3.0}
    logs = _states.fit(learner, data, None, first=0, last=4)[2:]
    means = {name: np.mean([epoch[f"{name}_weight"] for epoch in logs]) for name in "ab"}
    assert found["b"] / found["a"] == pytest.approx(3 * means["b"] / means["a"])
    assert all(np.array_equal(now, then) for now, then in zip(model.get_weights(), before, strict=True))


@pytest.mark.slow
def test_over_half_of_the_steps_they_are_the_weights_that_freeze_after_keeps():
    data = small.data()
    frozen = small.model(balancer=UncertaintyWeighting(freeze_after=12))
    _states.fit(frozen, data, None, first=0, last=4)  # Four epochs of three steps.
    kept = keras.ops.convert_to_numpy(frozen.balancer.mean)
    found = learn_alphas(small.model(), data, epochs=4, last=0.5)
    assert found["b"] / found["a"] == pytest.approx(kept[1] / kept[0], rel=1e-5)


@pytest.mark.slow
def test_weights_that_stay_come_out_normalised():
    model = small.model()
    model.alphas = {"a": 0.5, "b": 1.0}
    found = learn_alphas(model, small.data(), balancer=FixedWeights([1.0, 3.0]), epochs=1, pivot="a")
    assert found == pytest.approx({"a": 0.5, "b": 3.0})


def test_products_are_divided_by_their_mean_or_by_the_weight_of_the_pivot():
    balancer = FixedWeights(name="learnt")
    products = {"a": 0.5, "b": 3.0}
    assert normalised(products, balancer, None, {"a": 0.5, "b": 1.0}) == pytest.approx({"a": 2 / 7, "b": 12 / 7})
    assert normalised(products, balancer, "b", {"a": 0.5, "b": 1.0}) == pytest.approx({"a": 1 / 6, "b": 1.0})
    with pytest.raises(ValueError, match="'learnt' gave task 'b' a mean weight below 0"):
        normalised({"a": 1.0, "b": -0.1}, balancer, None, {"a": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match="all tasks the mean weight 0"):
        normalised({"a": 0.0, "b": 0.0}, balancer, None, {"a": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match="`pivot` 'a' the mean weight 0"):
        normalised({"a": 0.0, "b": 1.0}, balancer, "a", {"a": 1.0, "b": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("balancer", ["nash_mtl", "famo", "mgda", "dwa"])
def test_balancers_of_losses_and_of_gradients_work(balancer):
    found = learn_alphas(small.model(), small.data(), balancer=balancer, epochs=2)
    assert sum(found.values()) == pytest.approx(2.0) and min(found.values()) >= 0


def test_balancers_without_weights_and_bad_input_are_refused():
    model, data = small.model(), small.data()
    with pytest.raises(ValueError, match=r"`balancer` must be one that gives weights .*; 'graddrop' gives none"):
        learn_alphas(model, data, balancer="graddrop")
    with pytest.raises(ValueError, match="None gives none"):
        learn_alphas(model, data, balancer=None)
    with pytest.raises(ValueError, match="`pivot`"):
        learn_alphas(model, data, pivot="c")
    with pytest.raises(ValueError, match="`last`"):
        learn_alphas(model, data, last=0.0)
    with pytest.raises(TypeError, match="`train` must be a tf.data.Dataset"):
        learn_alphas(model, (1, 2))
