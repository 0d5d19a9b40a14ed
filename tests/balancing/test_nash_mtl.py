"""Nash-MTL against Newton's method in extended precision, and what it claims."""

import numpy as np
import pytest

from mtlzoo.balancing import NashMTL, aggregate
from tests.balancing import jacobians

FREE, CLIPPED = jacobians.compiled(NashMTL(max_norm=None)), jacobians.compiled(NashMTL())


def close(got, wanted, tolerance):
    return np.linalg.norm(np.asarray(got - wanted, "float64")) <= tolerance * np.linalg.norm(np.asarray(wanted, "float64"))


@pytest.mark.parametrize("kind", ["plain", "common", "parallel", "opposed"])
def test_solves_the_bargain_at_any_scale(kind, rng):
    for jacobian in jacobians.grid(kind, rng):
        weights = FREE(jacobian)
        wanted, direction = jacobians.fair(jacobian, 1, weights)
        np.testing.assert_allclose(weights, wanted.astype("float64"), rtol=1e-7)
        assert close(weights @ jacobian.astype(np.longdouble), direction, 1e-7)


@pytest.mark.parametrize("count", [1, 2, 8, 64])
def test_gains_times_weights_are_one_and_the_clipped_direction_is_a_unit_vector(count, rng):
    jacobian = jacobians.scaled(jacobians.rows("plain", count, rng), rng, 3)
    weights = FREE(jacobian)
    np.testing.assert_allclose(weights * (jacobian @ (weights @ jacobian)), np.ones(count), rtol=1e-10)
    clipped = CLIPPED(jacobian)
    np.testing.assert_allclose(np.linalg.norm(clipped @ jacobian), 1.0, rtol=1e-10)
    np.testing.assert_allclose(clipped, weights / np.sqrt(count), rtol=1e-10)
    assert jacobians.least_cosine(jacobian, clipped @ jacobian) > 0
    np.testing.assert_allclose(jacobians.compiled(NashMTL(max_norm=100.0))(jacobian), weights, rtol=1e-12)


def test_does_not_care_for_the_order_or_the_length_of_any_row(rng):
    rows = jacobians.rows("plain", 12, rng)
    order, direction = rng.permutation(12), CLIPPED(rows) @ rows
    np.testing.assert_allclose(CLIPPED(rows[order]), CLIPPED(rows)[order], rtol=1e-10)
    for _ in range(5):
        jacobian = jacobians.scaled(rows, rng)
        np.testing.assert_allclose(CLIPPED(jacobian) @ jacobian, direction, rtol=1e-8, atol=1e-10)


def test_repeated_rows_share_and_zero_rows_take_no_part():
    x, y = np.eye(2)
    np.testing.assert_allclose(FREE(np.array([x, x, 2 * y])), [np.sqrt(0.5), np.sqrt(0.5), 0.5], rtol=1e-12)
    np.testing.assert_allclose(FREE(np.array([x, 0 * x, 2 * y])), [1, 0, 0.5], rtol=1e-12)
    assert np.all(FREE(np.zeros((3, 2))) == 0)


def test_opposed_rows_cancel_out():
    x, y = np.eye(2)
    for jacobian in ([x, -x], [1e6 * x, -1e-6 * x], [x, y, -x - y]):
        direction, weights = aggregate("nash_mtl", jacobian)
        assert np.all(np.asarray(weights) > 0) and np.linalg.norm(direction) <= 1e-4
    np.testing.assert_allclose(aggregate(NashMTL(max_norm=None), [x, -x, y])[0], y, atol=1e-4)


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(FREE(np.array([[1.0, np.nan], [0.0, 1.0]]))))


def test_a_bad_bound_is_refused():
    with pytest.raises(ValueError, match="max_norm"):
        NashMTL(max_norm=0)
