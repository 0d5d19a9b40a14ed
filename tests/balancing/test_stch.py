"""Smooth Tchebycheff: weights are the derivative of its definition, in many digits."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import STCH
from tests.balancing import steps


def reference(losses, mu, preferences, ideal):
    """λ·softmax(λ(L − z)/μ) in 60 digits."""
    with decimal.localcontext(prec=60):
        D = decimal.Decimal
        powers = [(D(float(p)) * (D(float(x)) - D(float(z))) / D(mu)).exp() for p, x, z in zip(preferences, losses, ideal, strict=True)]
        return np.array([float(D(float(p)) * power / sum(powers)) for p, power in zip(preferences, powers, strict=True)])


@pytest.mark.parametrize("tasks", [1, 3, 64])
@pytest.mark.parametrize("mu", [0.1, 1.0, 10.0])
def test_agrees_with_the_definition_in_many_digits(tasks, mu, rng):
    losses, preferences, ideal = rng.exponential(size=tasks), rng.uniform(0.1, 2, tasks), -rng.exponential(size=tasks)
    balancer = steps.prepared(STCH(mu, preferences.tolist(), ideal.tolist()), tasks)
    np.testing.assert_allclose(steps.weights_of(balancer, losses), reference(losses, mu, preferences, ideal), rtol=1e-11)
    plain = steps.weights_of(steps.prepared(STCH(mu), tasks), losses)
    np.testing.assert_allclose(plain, reference(losses, mu, np.full(tasks, 1 / tasks), np.zeros(tasks)), rtol=1e-11)


def test_it_is_the_mean_for_large_mu_and_the_greatest_loss_for_small(rng):
    losses = rng.exponential(size=4)
    np.testing.assert_allclose(steps.weights_of(steps.prepared(STCH(1e9), 4), losses), 1 / 16, rtol=1e-6)
    np.testing.assert_allclose(steps.weights_of(steps.prepared(STCH(1e-9), 4), losses), np.eye(4)[losses.argmax()] / 4, atol=1e-12)


def test_losses_and_mu_in_other_units_give_the_same(rng):
    losses = rng.exponential(size=4)
    wanted = steps.weights_of(steps.prepared(STCH(0.3), 4), losses)
    for unit in (1e-12, 1e12):
        np.testing.assert_allclose(steps.weights_of(steps.prepared(STCH(0.3 * unit), 4), losses * unit), wanted, rtol=1e-12)


def test_preferences_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"`preferences\[1\]`.*above 0"):
        STCH(preferences=[1.0, 0.0])
    with pytest.raises(ValueError, match="`mu`.*above 0"):
        STCH(0)
    with pytest.raises(TypeError, match="`ideal` must be a list"):
        STCH(ideal={"a": 1.0})
    for arguments in ({"preferences": [1.0]}, {"ideal": [1.0]}):
        with pytest.raises(ValueError, match="each of 2 tasks"):
            STCH(**arguments).set_tasks(["regression"] * 2)


def test_common(rng):
    steps.check(STCH, rng)
    steps.check_absent(STCH, rng)
    steps.check(lambda: STCH(0.5), rng)
