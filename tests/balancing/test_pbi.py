"""PBI: weights are the derivative of its objective, in many digits."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import PBI
from tests.balancing import steps


def objective(preferences, ideal, penalty):
    def value(losses):
        length = sum(r * r for r in preferences).sqrt()
        towards = [r / length for r in preferences]
        above = [loss - z for loss, z in zip(losses, ideal, strict=True)]
        along = sum(a * r for a, r in zip(above, towards, strict=True))
        aside = sum((a - along * r) ** 2 for a, r in zip(above, towards, strict=True)).sqrt()
        return along + decimal.Decimal(penalty) * aside

    return value


@pytest.mark.parametrize("tasks", [2, 3, 64])
@pytest.mark.parametrize("penalty", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_weights_are_the_derivative_of_the_objective(tasks, penalty, scale, rng):
    losses, preferences, ideal = scale * rng.exponential(size=tasks), rng.uniform(0.1, 1, tasks), -scale * rng.exponential(size=tasks)
    got = steps.weights_of(steps.prepared(PBI(penalty, preferences.tolist(), ideal.tolist()), tasks), losses)
    wanted = steps.derivative(objective(steps.exact(preferences), steps.exact(ideal), penalty), losses)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("losses", [[1.0], [3e-12] * 2, [0.1] * 7, [1e12] * 64, [0.0] * 3])
def test_on_the_ray_only_the_way_along_it_counts(losses):
    weights = steps.weights_of(steps.prepared(PBI(), len(losses)), losses)
    np.testing.assert_allclose(weights, len(losses) ** -0.5, rtol=1e-12)


def test_the_length_of_the_preferences_does_not_matter(rng):
    losses = rng.exponential(size=3)
    one, other = (steps.weights_of(steps.prepared(PBI(preferences=r), 3), losses) for r in ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]))
    np.testing.assert_allclose(other, one, rtol=1e-12)


@pytest.mark.parametrize("tasks", [2, 3, 5, 64])
def test_weights_are_negative_only_above_the_bound_that_the_docstring_gives(tasks, rng):
    bound = (tasks - 1) ** -0.5
    lowest = np.ones(tasks)
    lowest[0] = 0.0
    for losses in [lowest, *rng.exponential(size=(20, tasks)) ** 4]:
        assert steps.weights_of(steps.prepared(PBI(bound), tasks), losses).min() >= -1e-12
    assert steps.weights_of(steps.prepared(PBI(bound * 1.01), tasks), lowest)[0] < 0


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`penalty`.*at least 0"):
        PBI(-1.0)
    for arguments in ({"preferences": [1.0]}, {"ideal": [1.0]}):
        with pytest.raises(ValueError, match="each of 2 tasks"):
            PBI(**arguments).set_tasks(["regression"] * 2)


def test_common(rng):
    steps.check(PBI, rng)
    steps.check_absent(PBI, rng)
