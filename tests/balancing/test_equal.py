"""Equal weights are 1, whatever the losses."""

import numpy as np

from mtlzoo.balancing import EqualWeights, aggregate
from tests.balancing import steps


def test_weights_are_one_whatever_the_losses(rng):
    for losses in ([0.0, 1e-12, 1e12], rng.exponential(size=64)):
        np.testing.assert_array_equal(steps.weights_of(steps.prepared(EqualWeights(), len(losses)), losses), np.ones(len(losses)))


def test_the_direction_is_the_sum_of_the_gradients(rng):
    jacobian = rng.normal(size=(5, 7)) * 10.0 ** rng.uniform(-6, 6, size=(5, 1))
    np.testing.assert_allclose(aggregate("equal", jacobian, losses=np.ones(5))[0], jacobian.sum(axis=0), rtol=1e-14)


def test_common(rng):
    steps.check(EqualWeights, rng)
    steps.check_absent(EqualWeights, rng)
