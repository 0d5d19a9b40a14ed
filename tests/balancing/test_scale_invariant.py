"""The sum of logarithms: weights are 1/L."""

import numpy as np

from mtlzoo.balancing import ScaleInvariant, aggregate
from tests.balancing import steps


def test_weights_are_the_inverse_losses(rng):
    for tasks in (1, 3, 64):
        losses = 10.0 ** rng.uniform(-12, 12, tasks)
        np.testing.assert_allclose(steps.weights_of(steps.prepared(ScaleInvariant(), tasks), losses), 1 / losses, rtol=1e-12)


def test_the_direction_does_not_know_the_units(rng):
    jacobian, losses, units = rng.normal(size=(3, 4)), rng.exponential(size=3), 10.0 ** rng.uniform(-12, 12, 3)
    one, _ = aggregate("scale_invariant", jacobian, losses=losses)
    other, _ = aggregate("scale_invariant", jacobian * units[:, None], losses=losses * units)
    np.testing.assert_allclose(other, one, rtol=1e-10)


def test_a_loss_of_zero_is_solved_and_a_negative_one_gives_no_weight():
    weights = steps.weights_of(steps.prepared(ScaleInvariant(), 3), [0.0, 2.0, -1.0])
    np.testing.assert_array_equal(weights, [0.0, 0.5, np.nan])


def test_common(rng):
    steps.check(ScaleInvariant, rng)
    steps.check_absent(ScaleInvariant, rng)
