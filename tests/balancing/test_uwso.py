"""UW-SO against its definition in many digits."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import UWSO
from tests.balancing import steps


def reference(losses, temperature):
    """softmax((1/L)/τ) in 90 digits."""
    with decimal.localcontext(prec=90):
        logits = [1 / loss / decimal.Decimal(temperature) for loss in steps.exact(losses)]
        powers = [(logit - max(logits)).exp() for logit in logits]
        return np.array([float(power / sum(powers)) for power in powers])


@pytest.mark.parametrize(("tasks", "temperature"), [(1, 1.0), (3, 0.2), (3, 1.0), (3, 20.0), (64, 1.0)])
def test_agrees_with_the_definition_in_many_digits(tasks, temperature, rng):
    losses = rng.uniform(0.2, 3, tasks)
    got = steps.weights_of(steps.prepared(UWSO(temperature), tasks), losses)
    np.testing.assert_allclose(got, reference(losses, temperature), rtol=1e-11)
    np.testing.assert_allclose(got.sum(), 1.0, rtol=1e-12)


def test_losses_and_inverse_temperature_in_other_units_give_the_same(rng):
    losses = rng.uniform(0.5, 2, 4)
    wanted = steps.weights_of(steps.prepared(UWSO(0.3), 4), losses)
    for unit in (1e-12, 1e12):
        np.testing.assert_allclose(steps.weights_of(steps.prepared(UWSO(0.3 / unit), 4), losses * unit), wanted, rtol=1e-10)


def test_the_least_loss_takes_all_at_extreme_scales_and_zero_leaves():
    np.testing.assert_array_equal(steps.weights_of(steps.prepared(UWSO(), 3), [1e-12, 1.0, 1e12]), [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(steps.weights_of(steps.prepared(UWSO(), 3), [0.0, 2.0, 2.0]), [0.0, 0.5, 0.5])
    np.testing.assert_array_equal(steps.weights_of(steps.prepared(UWSO(), 2), [0.0, 0.0]), [0.0, 0.0])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`temperature`.*above 0"):
        UWSO(-1.0)


def test_common(rng):
    steps.check(UWSO, rng)
    steps.check_absent(UWSO, rng)
