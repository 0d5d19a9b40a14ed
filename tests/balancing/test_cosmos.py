"""COSMOS: weights are the derivative of its objective, in many digits."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import COSMOS
from tests.balancing import steps


def objective(preferences, penalty):
    def value(losses):
        product = sum(r * loss for r, loss in zip(preferences, losses, strict=True))
        lengths = (sum(r * r for r in preferences) * sum(loss * loss for loss in losses)).sqrt()
        return product - decimal.Decimal(penalty) * product / lengths

    return value


@pytest.mark.parametrize("tasks", [1, 2, 3, 64])
@pytest.mark.parametrize("penalty", [0.0, 0.01, 8.0])
def test_weights_are_the_derivative_of_the_objective(tasks, penalty, rng):
    losses, preferences = rng.exponential(size=tasks), rng.uniform(0.1, 1, tasks)
    got = steps.weights_of(steps.prepared(COSMOS(penalty, preferences.tolist()), tasks), losses)
    wanted = steps.derivative(objective(steps.exact(preferences), penalty), losses)
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-13 * np.abs(wanted).max())


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_it_is_exact_at_any_scale_if_the_penalty_has_the_units(scale, rng):
    losses, preferences = scale * rng.exponential(size=3), rng.uniform(0.1, 1, 3)
    got = steps.weights_of(steps.prepared(COSMOS(scale, preferences.tolist()), 3), losses)
    np.testing.assert_allclose(got, steps.derivative(objective(steps.exact(preferences), scale), losses), rtol=1e-9)


def test_preferences_are_even_by_default_and_at_them_the_cosine_pulls_nowhere():
    np.testing.assert_allclose(steps.weights_of(steps.prepared(COSMOS(8.0), 4), [3.0] * 4), 0.25, rtol=1e-12)
    got = steps.weights_of(steps.prepared(COSMOS(8.0, [0.2, 0.8]), 2), [1.0, 4.0])
    np.testing.assert_allclose(got, [0.2, 0.8], rtol=1e-12)


def test_a_small_loss_is_raised_where_turning_matters_more():
    weights = steps.weights_of(steps.prepared(COSMOS(8.0), 2), [1.0, 0.1])
    assert weights[0] > 0 > weights[1]


def test_losses_of_zero_leave_the_weighted_sum():
    np.testing.assert_allclose(steps.weights_of(steps.prepared(COSMOS(), 2), [0.0, 0.0]), [0.5, 0.5])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`penalty`.*at least 0"):
        COSMOS(-1.0)
    with pytest.raises(ValueError, match=r"`preferences\[0\]`.*above 0"):
        COSMOS(preferences=[0.0, 1.0])
    with pytest.raises(ValueError, match="each of 3 tasks"):
        COSMOS(preferences=[1.0, 1.0]).set_tasks(["regression"] * 3)


def test_common(rng):
    steps.check(COSMOS, rng)
    steps.check_absent(COSMOS, rng)
