"""Boltzmann weights: the derivative of the free energy, and who is favoured."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import Energy
from tests.balancing import steps


@pytest.mark.parametrize("tasks", [1, 3, 16])
@pytest.mark.parametrize("temperature", [0.1, 1.0, 30.0, -0.1, -1.0])
def test_weights_are_the_derivative_of_the_free_energy(tasks, temperature, rng):
    losses = rng.exponential(size=tasks)

    def energy(values):
        t = decimal.Decimal(temperature)
        return t * sum((value / t).exp() for value in values).ln()

    got = steps.weights_of(steps.prepared(Energy(temperature), tasks), losses)
    np.testing.assert_allclose(got, steps.derivative(energy, losses), rtol=1e-10)
    np.testing.assert_allclose(got.sum(), 1.0, rtol=1e-12)


def test_the_sign_says_who_is_favoured():
    losses = [1.0, 3.0, 2.0]
    hot, cold = (steps.weights_of(steps.prepared(Energy(temperature), 3), losses) for temperature in (0.5, -0.5))
    assert hot.argmax() == 1 and hot.argmin() == 0
    assert cold.argmax() == 0 and cold.argmin() == 1
    for temperature, favoured in ((1e-9, 1), (-1e-9, 0)):
        np.testing.assert_array_equal(steps.weights_of(steps.prepared(Energy(temperature), 3), losses), np.eye(3)[favoured])
    np.testing.assert_allclose(steps.weights_of(steps.prepared(Energy(1e9), 3), losses), 1 / 3, rtol=1e-8)


def test_a_constant_added_to_all_losses_changes_nothing(rng):
    losses = rng.exponential(size=5)
    one, other = (steps.weights_of(steps.prepared(Energy(0.5), 5), values) for values in (losses, losses + 100))
    np.testing.assert_allclose(other, one, rtol=1e-12)


@pytest.mark.parametrize("temperature", [0, np.inf])
def test_bad_temperatures_are_refused(temperature):
    with pytest.raises(ValueError, match="`temperature`"):
        Energy(temperature)


def test_common(rng):
    steps.check(Energy, rng)
    steps.check_absent(Energy, rng)
    steps.check(lambda: Energy(-2.0), rng)
