"""UPGrad against nonnegative least squares on the gradients themselves, and what it claims."""

import numpy as np
import pytest

from mtlzoo.balancing import UPGrad, aggregate
from tests.balancing import jacobians

WEIGHTS = jacobians.compiled(UPGrad())


def reference(jacobian):
    """The mean of the gradients, each projected on {d: Jd ≥ 0}, over the longest norm."""
    norms, unit = jacobians.in_units(jacobian)
    projected = [row + jacobians.nonnegative_least_squares(unit.T, -row) @ unit for row in unit]
    return (norms / norms.max()) @ np.array(projected) / len(unit)


@pytest.mark.parametrize("kind", jacobians.KINDS)
def test_direction_is_exact_at_any_scale(kind, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(1, 2, 3, 4, 12)):
        if not np.any(jacobian):
            continue
        weights, wanted = WEIGHTS(jacobian), reference(jacobian)
        norms, unit = jacobians.in_units(jacobian)
        got = (weights * norms / norms.max()) @ unit  # in units of the longest row
        assert np.linalg.norm(got - wanted) <= 1e-7 * max(np.linalg.norm(wanted), 1e-2 / len(unit))
        assert np.all(weights >= 1 / len(unit))


@pytest.mark.parametrize("long", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("count", [2, 8, 64])
def test_no_task_is_harmed(count, long, rng):
    for kind in ("plain", "opposed"):
        jacobian = jacobians.rows(kind, count, rng)
        jacobian[0] *= long
        assert jacobians.least_cosine(jacobian, WEIGHTS(jacobian) @ jacobian) >= -1e-9


def test_is_the_mean_where_no_gradients_conflict(rng):
    jacobian = np.abs(rng.normal(size=(6, 9)))
    np.testing.assert_allclose(WEIGHTS(jacobian), np.full(6, 1 / 6), rtol=1e-12)


def test_grows_with_each_row_as_the_paper_claims(rng):
    """Linear under scaling: the direction for the rows c_i·g_i is linear in c."""
    jacobian, one, other = rng.normal(size=(6, 8)), rng.exponential(size=(6, 1)), rng.exponential(size=(6, 1))
    parts = [WEIGHTS(factor * jacobian) @ (factor * jacobian) for factor in (one, other, 2 * one + 3 * other)]
    np.testing.assert_allclose(2 * parts[0] + 3 * parts[1], parts[2], rtol=1e-10, atol=1e-10)


def test_does_not_care_for_the_order_or_the_scale(rng):
    jacobian = jacobians.scaled(jacobians.rows("plain", 12, rng), rng, 1)
    order, weights = rng.permutation(12), WEIGHTS(jacobian)
    np.testing.assert_allclose(WEIGHTS(jacobian[order]), weights[order], rtol=1e-9)
    np.testing.assert_allclose(WEIGHTS(1e-9 * jacobian), weights, rtol=1e-9)


def test_where_no_direction_helps_it_is_zero_and_zero_rows_do_no_harm():
    x, y = np.eye(2)
    for jacobian in ([x, -x], [x, -3 * x], [x, y, -x - y], [0 * x, 0 * x]):
        assert np.linalg.norm(aggregate("upgrad", jacobian)[0]) <= 1e-12
    np.testing.assert_allclose(aggregate("upgrad", [x, 0 * x, y])[0], [1 / 3, 1 / 3], rtol=1e-12)
    np.testing.assert_allclose(aggregate("upgrad", [3 * x])[0], 3 * x, rtol=1e-12)


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(WEIGHTS(np.array([[1.0, np.nan], [0.0, 1.0]]))))
