"""The geometric mean: weights are its derivative, at any scale."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import GeometricMean, aggregate
from tests.balancing import steps


def reference(losses):
    """G/(T·L) in 60 digits."""
    with decimal.localcontext(prec=60):
        exact = [decimal.Decimal(float(loss)) for loss in losses]
        mean = (sum(loss.ln() for loss in exact) / len(exact)).exp()
        return np.array([float(mean / (len(exact) * loss)) for loss in exact])


@pytest.mark.parametrize("tasks", [1, 2, 3, 64])
def test_agrees_with_the_definition_in_many_digits(tasks, rng):
    for scale in (1e-12, 1.0, 1e12):
        losses = scale * 10.0 ** rng.uniform(-6, 6, tasks)
        np.testing.assert_allclose(steps.weights_of(steps.prepared(GeometricMean(), tasks), losses), reference(losses), rtol=1e-12)


def test_weighted_losses_are_all_equal_and_sum_to_the_geometric_mean(rng):
    losses = 10.0 ** rng.uniform(-12, 12, 5)
    weighted = losses * steps.weights_of(steps.prepared(GeometricMean(), 5), losses)
    np.testing.assert_allclose(weighted, np.exp(np.log(losses).mean()) / 5, rtol=1e-12)


def test_the_direction_turns_with_no_units(rng):
    jacobian, losses, units = rng.normal(size=(3, 4)), rng.exponential(size=3), 10.0 ** rng.uniform(-9, 9, 3)
    one, _ = aggregate("geometric_mean", jacobian, losses=losses)
    other, _ = aggregate("geometric_mean", jacobian * units[:, None], losses=losses * units)
    np.testing.assert_allclose(other / np.prod(units) ** (1 / 3), one, rtol=1e-10)


def test_a_loss_of_zero_leaves_the_mean():
    weights = steps.weights_of(steps.prepared(GeometricMean(), 3), [4.0, 0.0, 1.0])
    np.testing.assert_allclose(weights, [0.25, 0.0, 1.0], rtol=1e-12)
    np.testing.assert_array_equal(steps.weights_of(steps.prepared(GeometricMean(), 2), [0.0, 0.0]), [0.0, 0.0])


def test_negative_losses_give_no_weights():
    assert np.all(np.isnan(steps.weights_of(steps.prepared(GeometricMean(), 2), [1.0, -1.0])))


def test_common(rng):
    steps.check(GeometricMean, rng)
    steps.check_absent(GeometricMean, rng)
