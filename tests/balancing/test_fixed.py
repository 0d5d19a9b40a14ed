"""Fixed weights are what was given, and what cannot be right is refused."""

import numpy as np
import pytest

from mtlzoo.balancing import FixedWeights
from tests.balancing import steps


def test_weights_are_those_given(rng):
    balancer = steps.prepared(FixedWeights([0.25, 0, 3e5]), 3)
    np.testing.assert_array_equal(steps.run(balancer, rng.exponential(size=(4, 3))), [[0.25, 0.0, 3e5]] * 4)


def test_without_weights_all_are_one():
    np.testing.assert_array_equal(steps.weights_of(steps.prepared(FixedWeights(), 3), [0.0, 1e-12, 1e12]), np.ones(3))


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"b": 1.0, "a": 2.0}, TypeError, "`weights` must be a list"),
        ([1.0, -0.5], ValueError, r"`weights\[1\]`.*at least 0"),
        ([1.0, np.nan], ValueError, "finite"),
        (["1"], TypeError, "number"),
    ],
)
def test_bad_weights_are_refused(weights, error, message):
    with pytest.raises(error, match=message):
        FixedWeights(weights)


def test_another_number_of_tasks_is_refused_before_anything_is_made():
    balancer = FixedWeights([1.0, 2.0])
    with pytest.raises(ValueError, match="each of 3 tasks"):
        balancer.set_tasks(["regression"] * 3)
    balancer.set_tasks(["regression"] * 2)


def test_common(rng):
    steps.check(FixedWeights, rng)
    steps.check_absent(FixedWeights, rng)
