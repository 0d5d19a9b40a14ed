"""CAGrad against the shortest steps found by nonnegative least squares on the gradients, closed forms, and its optimality."""

import numpy as np
import pytest
import scipy.optimize

from mtlzoo.balancing import CAGrad, aggregate
from tests.balancing import jacobians

RADII = [0.1, 0.5, 3.0]
WEIGHTS = {c: jacobians.compiled(CAGrad(c, rescale=0)) for c in RADII}


def parts(jacobian):
    """The rows in units of their norms, the mean gradient in units of its own, that unit, and τ's factors: least norm over norm."""
    norms, unit = jacobians.in_units(jacobian)
    mean = (norms / norms.max()) @ unit / len(unit)
    length = max(np.linalg.norm(mean), 1e-300)
    return unit, mean / length, length * norms.max(), norms[norms > 0].min() / np.where(norms > 0, norms, np.inf)


def reference(jacobian, c):
    """The direction, by Brent's method on the worst gain τ; a shortest step with given gains is Lawson and Hanson's LDP."""
    unit, mean, length, factors = parts(jacobian)
    slopes = unit @ mean

    def shortest(gain):
        wanted = gain * factors - slopes
        matrix, target = np.vstack([unit.T, wanted]), np.append(np.zeros(unit.shape[1]), 1.0)
        left = matrix @ jacobians.nonnegative_least_squares(matrix, target) - target
        return -left[:-1] / left[-1]

    low, high = np.min(slopes / factors), np.min((slopes + c) / factors)
    if np.linalg.norm(shortest(high)) > c:
        high = scipy.optimize.brentq(lambda gain: np.linalg.norm(shortest(gain)) - c, low, high, xtol=1e-300, rtol=1e-15)
    return (mean + shortest(high)) * length


@pytest.mark.parametrize("c", RADII)
@pytest.mark.parametrize("kind", ["plain", "common", "parallel", "opposed"])
def test_direction_is_exact_at_any_scale(kind, c, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(1, 2, 3)):
        direction, wanted = WEIGHTS[c](jacobian) @ jacobian, reference(jacobian, c)
        assert np.linalg.norm(direction - wanted) <= 1e-7 * np.linalg.norm(wanted)


@pytest.mark.parametrize("c", RADII)
@pytest.mark.parametrize("kind", jacobians.KINDS)
def test_is_optimal_for_any_number_of_rows(kind, c, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(2, 5, 32)):
        unit, mean, length, factors = parts(jacobian)
        if not length > 1e-12 * np.max(np.linalg.norm(jacobian, axis=1)):
            continue
        alive = factors > 0
        lengths = (WEIGHTS[c](jacobian) - 1 / len(unit)) * np.linalg.norm(jacobian, axis=1) / length
        step = lengths @ unit
        gains = (unit @ (mean + step))[alive]
        helped = np.flatnonzero(lengths[alive] > 1e-7)
        worst = (gains / factors[alive])[helped[np.argmax(factors[alive][helped])]] if len(helped) else np.min(gains / factors[alive])
        assert np.all(lengths >= -1e-9) and np.linalg.norm(step) <= c * (1 + 1e-7)
        assert np.all(gains >= worst * factors[alive] - 1e-7)
        assert np.all(np.minimum(lengths[alive], gains - worst * factors[alive]) <= 1e-7)  # who is helped is at the worst gain
        if np.linalg.norm(step) < c * (1 - 1e-7):  # then some mean of the rows is 0
            assert abs(worst) <= 1e-7


def test_two_tasks_in_one_dimension_of_weights(rng):
    for _ in range(20):
        jacobian = rng.normal(size=(2, 4)) * 10.0 ** rng.uniform(-1, 1, size=(2, 1))
        mean = jacobian.mean(axis=0)

        def value(share, jacobian=jacobian, mean=mean):
            mixed = share * jacobian[0] + (1 - share) * jacobian[1]
            return mixed @ mean + 0.5 * np.linalg.norm(mean) * np.linalg.norm(mixed)

        share = scipy.optimize.minimize_scalar(value, bounds=(0, 1), method="bounded", options={"xatol": 1e-10}).x
        mixed = share * jacobian[0] + (1 - share) * jacobian[1]
        wanted = mean + 0.5 * np.linalg.norm(mean) * mixed / np.linalg.norm(mixed)
        np.testing.assert_allclose(WEIGHTS[0.5](jacobian) @ jacobian, wanted, rtol=1e-4, atol=1e-4 * np.linalg.norm(mean))


def test_radius_of_zero_is_the_mean_and_a_large_one_goes_to_the_shortest_mean(rng):
    jacobian = rng.normal(size=(5, 9))
    np.testing.assert_allclose(jacobians.compiled(CAGrad(0.0))(jacobian), np.full(5, 0.2), rtol=1e-14)
    far = jacobians.compiled(CAGrad(1e5, rescale=0))(jacobian) @ jacobian
    shortest = np.asarray(aggregate("mgda", jacobian)[0])
    np.testing.assert_allclose(far / np.linalg.norm(far), shortest / np.linalg.norm(shortest), atol=1e-4)


def test_rescaling_and_order_and_scale(rng):
    jacobian, order = jacobians.scaled(jacobians.rows("plain", 12, rng), rng, 1), rng.permutation(12)
    weights = WEIGHTS[0.5](jacobian)
    np.testing.assert_allclose(jacobians.compiled(CAGrad())(jacobian), weights / 1.25, rtol=1e-12)
    np.testing.assert_allclose(jacobians.compiled(CAGrad(rescale=2))(jacobian), weights / 1.5, rtol=1e-12)
    np.testing.assert_allclose(WEIGHTS[0.5](jacobian[order]), weights[order], rtol=1e-8)
    np.testing.assert_allclose(WEIGHTS[0.5](1e-9 * jacobian), weights, rtol=1e-8)


def test_opposed_and_zero_rows():
    x, y = np.eye(2)
    np.testing.assert_allclose(aggregate(CAGrad(0.5, rescale=0), [3 * x, -x])[0], 0.5 * x, rtol=1e-12)  # g0 = x
    for jacobian in ([x, -x], [x, y, -x - y], [0 * x, 0 * x]):
        np.testing.assert_allclose(aggregate("cagrad", jacobian)[0], [0, 0], atol=1e-7)
    np.testing.assert_allclose(aggregate(CAGrad(0.5, rescale=0), [x, 0 * x, y])[0], [0.5, 0.5], rtol=1e-12)


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(WEIGHTS[0.5](np.array([[1.0, np.nan], [0.0, 1.0]]))))


@pytest.mark.parametrize("arguments", [{"c": -0.1}, {"rescale": 3}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        CAGrad(**arguments)
