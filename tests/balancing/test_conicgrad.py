"""ConicGrad against nearest points of the hull of the gradients, SciPy on the problem as stated, and its optimality."""

import numpy as np
import pytest
import scipy.optimize

from mtlzoo.balancing import ConicGrad, aggregate
from tests.balancing import jacobians

COSINES = [0.1, 0.5, 0.95]
WEIGHTS = {c: jacobians.compiled(ConicGrad(c)) for c in COSINES}


def axis(jacobian):
    """The mean gradient's unit and length, over the length of the longest row."""
    mean = np.mean(jacobian / np.linalg.norm(jacobian, axis=1).max(), axis=0)
    return mean / max(np.linalg.norm(mean), 1e-300), np.linalg.norm(mean)


def nearest(rows):
    """The unit towards the point of the rows' hull that is nearest to 0, or None if that is 0."""
    norms, unit = jacobians.in_units(rows)
    if norms.min() == 0:
        return None
    lengths = norms.min() / norms
    found = jacobians.nonnegative_least_squares(np.vstack([unit.T, lengths]), np.append(np.zeros(unit.shape[1]), 1.0))
    point = found @ unit
    return point / np.linalg.norm(point) if np.linalg.norm(point) > 1e-9 * np.sum(found) else None


def reference(jacobian, c):
    """The unit towards the hull from the first point −π·u0, π ≥ 0, from which it lies within the cone around u0.

    For such a unit u, g_i·u is least at the nearest point, so that no other u of the cone does better: its gain there is that of
    u0 times the cone's cosine, plus that of what is orthogonal times the sine.
    """
    mean, _ = axis(jacobian)
    norms = np.linalg.norm(jacobian, axis=1)

    def seen(shift):
        towards = nearest(jacobian[norms > 0] + shift * mean)
        return None if towards is None or towards @ mean < c else towards

    if seen(0.0) is not None:
        return seen(0.0)
    low, high = 1e-6 * norms[norms > 0].min(), 1e6 * norms.max()
    while high > low * (1 + 1e-13):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if seen(middle) is None else (low, middle)
    # Inside of the cone the point is on the hull, and the unit is what it is a moment before.
    return seen(high) if seen(high) @ mean < c + 1e-6 else seen(high * (1 + 1e-8))


def determined(jacobian):
    """Whether g0 is more than the rounding of longer rows, and so is the side to turn to from it, which a row along −g0 does not say."""
    _, unit = jacobians.in_units(jacobian)
    return np.any(jacobian) and axis(jacobian)[1] > 1e-7 and np.min(unit @ axis(jacobian)[0]) > 1e-9 - 1


def apart(rows, target):
    """The distance of a target from the nonnegative sums of rows."""
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows[lengths > 0] / lengths[lengths > 0, None]
    return np.linalg.norm(rows.T @ jacobians.nonnegative_least_squares(rows.T, target) - target) if len(rows) else np.linalg.norm(target)


def short_of_optimal(jacobian, direction, c):
    """How far the direction is from what rows of the least gain hold in its place, from its length, and from the cone.

    Within the cone its unit is a nonnegative sum of these rows; on it, its part orthogonal to g0 is one of theirs. Or this part is
    such a sum, and a mean of these parts of the rows is 0: then no direction of the cone gains more.
    """
    (norms, unit), (mean, length) = jacobians.in_units(jacobian), axis(jacobian)
    towards, cosine = direction / np.linalg.norm(direction), direction @ mean / np.linalg.norm(direction)
    inverse = norms[norms > 0].min() / norms[norms > 0]
    gains = unit[norms > 0] @ towards
    held = unit[norms > 0][gains <= np.min((gains + 1e-9) / inverse) * inverse + 1e-7]
    across, aside = held - np.outer(held @ mean, mean), towards - cosine * mean
    if cosine < c + 1e-7:
        left = apart(across, aside / np.linalg.norm(aside))
    else:
        mixed = apart(np.column_stack([across, np.ones(len(held))]), np.append(np.zeros(len(mean)), 1.0))
        left = min(apart(held, towards), max(apart(across, aside), mixed))
    return left, np.linalg.norm(direction) / (length * norms.max()) - 1, max(c - cosine, 0.0)


@pytest.mark.parametrize("c", COSINES)
@pytest.mark.parametrize("kind", jacobians.KINDS)
def test_direction_is_exact_at_any_scale(kind, c, rng):
    for jacobian in filter(determined, jacobians.grid(kind, rng, counts=(1, 2, 3))):
        direction, (_, length) = WEIGHTS[c](jacobian) @ jacobian / np.linalg.norm(jacobian, axis=1).max(), axis(jacobian)
        assert np.linalg.norm(direction - length * reference(jacobian, c)) <= 1e-6 * length


@pytest.mark.parametrize("c", COSINES)
@pytest.mark.parametrize("kind", [kind for kind in jacobians.KINDS if kind != "short"])
def test_is_optimal_for_any_number_of_rows(kind, c, rng):
    for jacobian in filter(determined, jacobians.grid(kind, rng, counts=(5, 16, 64))):
        weights = WEIGHTS[c](jacobian)
        assert np.all(weights >= 0) and np.all(np.abs(short_of_optimal(jacobian, weights @ jacobian, c)) <= 1e-6)


@pytest.mark.parametrize("c", COSINES)
def test_solves_the_problem_as_stated(c, rng):
    """SciPy may not find more gain, and what it finds is there."""
    for jacobian in [rng.normal(size=(count, 6)) + rng.normal(size=6) for count in (2, 3, 5) for _ in range(4)]:
        mean, direction = jacobian.mean(axis=0), WEIGHTS[c](jacobian) @ jacobian
        length = np.linalg.norm(mean)
        within = [
            {"type": "ineq", "fun": lambda v, rows=jacobian: rows @ v[1:] - v[0]},
            {"type": "ineq", "fun": lambda v, mean=mean, length=length: v[1:] @ mean - c * length * np.sqrt(v[1:] @ v[1:] + 1e-24)},
            {"type": "ineq", "fun": lambda v, length=length: length**2 - v[1:] @ v[1:]},
        ]
        start = np.append(np.min(jacobian @ mean), mean)
        found = scipy.optimize.minimize(
            lambda v: -v[0], start, method="SLSQP", constraints=within, options={"ftol": 1e-15, "maxiter": 500}
        ).x
        assert np.min(jacobian @ direction) >= found[0] - 1e-7 * length
        if found[0] > 1e-3 * length:
            np.testing.assert_allclose(direction, found[1:], atol=1e-4 * length)


@pytest.mark.parametrize("kind", jacobians.KINDS)
def test_is_in_the_cone_and_of_the_length_of_the_mean(kind, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(1, 2, 7, 40)):
        if np.any(jacobian) and axis(jacobian)[1] > 1e-4:
            direction, mean = WEIGHTS[0.5](jacobian) @ jacobian, jacobian.mean(axis=0)
            np.testing.assert_allclose(np.linalg.norm(direction), np.linalg.norm(mean), rtol=1e-6)
            assert mean @ direction >= (0.5 - 1e-6) * (mean @ mean)


def test_two_tasks_in_the_plane(rng):
    """The worse task's gradient is approached up to where both gain the same, or up to the cone."""
    for angle in np.linspace(0.1, 3.1, 16):
        for length in (0.1, 1.0, 3.0):
            jacobian = np.array([[1.0, 0.0], [length * np.cos(angle), length * np.sin(angle)]])
            mean = jacobian.mean(axis=0)
            turns = np.arctan2(mean[1], mean[0]) + np.linspace(-np.pi / 3, np.pi / 3, 20001)
            gains = np.min(np.stack([np.cos(turns), np.sin(turns)], axis=1) @ jacobian.T, axis=1)
            best = turns[np.argmax(gains)]
            wanted = np.linalg.norm(mean) * np.array([np.cos(best), np.sin(best)])
            np.testing.assert_allclose(WEIGHTS[0.5](jacobian) @ jacobian, wanted, atol=2e-4 * np.linalg.norm(mean))


def test_goes_from_the_mean_to_the_direction_of_mgda(rng):
    jacobian = jacobians.scaled(jacobians.rows("common", 6, rng), rng, 1)
    mean, shortest = jacobian.mean(axis=0), np.asarray(aggregate("mgda", jacobian)[0])
    narrow, wide = (np.asarray(aggregate(ConicGrad(c), jacobian)[0]) for c in (1 - 1e-12, 1e-6))
    np.testing.assert_allclose(narrow, mean, atol=1e-5 * np.linalg.norm(mean))
    np.testing.assert_allclose(wide, shortest * np.linalg.norm(mean) / np.linalg.norm(shortest), rtol=1e-9)


def test_does_not_care_for_the_order_or_the_scale(rng):
    jacobian, order = jacobians.scaled(jacobians.rows("plain", 12, rng), rng, 1), rng.permutation(12)
    for c in COSINES:
        weights = WEIGHTS[c](jacobian)
        np.testing.assert_allclose(WEIGHTS[c](jacobian[order]), weights[order], rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(WEIGHTS[c](1e-9 * jacobian), weights, rtol=1e-8, atol=1e-12)


def test_no_mean_parallel_opposed_and_zero_rows():
    x, y = np.eye(2)
    for jacobian in ([x, -x], [x, y, -x - y], [0 * x, 0 * x]):
        direction, weights = aggregate("conicgrad", jacobian)
        np.testing.assert_allclose(direction, [0, 0], atol=1e-7)
        assert np.all(np.isfinite(weights))
    np.testing.assert_allclose(aggregate("conicgrad", [3 * x])[1], [1.0], rtol=1e-12)
    np.testing.assert_allclose(aggregate("conicgrad", [3 * x, x, 2 * x])[0], 2 * x, rtol=1e-12)
    np.testing.assert_allclose(aggregate("conicgrad", [x, -0.5 * x])[0], 0.25 * x, rtol=1e-9)
    np.testing.assert_allclose(aggregate("conicgrad", [x, 0 * x, y])[0], [1 / 3, 1 / 3], rtol=1e-12)
    np.testing.assert_allclose(aggregate("conicgrad", [3 * x, -3 * x, y])[0], y / 3, rtol=1e-9)


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(WEIGHTS[0.5](np.array([[1.0, np.nan], [0.0, 1.0]]))))


@pytest.mark.parametrize("c", [0.0, 1.0, -0.5, "wide"])
def test_bad_cosines_are_refused(c):
    with pytest.raises((TypeError, ValueError), match="`c`"):
        ConicGrad(c)
