"""The projection on the simplex against the condition that defines it, and against bisection."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.balancing import _simplex


def project(values, present=None):
    present = [True] * len(values) if present is None else present
    return _simplex.project(tf.constant(values, "float64"), tf.constant(present)).numpy()


def bisected(values):
    """max(v − τ, 0) with τ by bisection on Σ max(v − τ, 0) = 1, of values whose largest is moved to 0."""
    values = values - np.max(values)
    low, high = -1.0, 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sum(np.maximum(values - middle, 0)) > 1 else (low, middle)
    return np.maximum(values - low, 0)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e3, 1e24])
@pytest.mark.parametrize("tasks", [1, 2, 3, 17, 200])
def test_agrees_with_bisection(tasks, scale, rng):
    for offset in (0.0, 1.0, -1e3):
        values = scale * rng.normal(size=tasks) + offset
        got = project(values)
        np.testing.assert_allclose(got, bisected(values), atol=1e-12)
        np.testing.assert_allclose(got.sum(), 1, rtol=1e-12)
        assert np.all(got >= 0)


def test_is_nearer_than_any_other_point_of_the_simplex(rng):
    values = rng.normal(size=4)
    others = rng.dirichlet(np.ones(4), size=2000)
    assert np.linalg.norm(values - project(values)) <= np.min(np.linalg.norm(values - others, axis=1))


def test_points_of_the_simplex_and_ties_stay(rng):
    point = rng.dirichlet(np.ones(5))
    np.testing.assert_allclose(project(point), point, rtol=1e-12)
    np.testing.assert_allclose(project(np.full(5, 7.0)), 0.2, rtol=1e-12)
    np.testing.assert_array_equal(project([0.0, 1.0, 0.0]), [0.0, 1.0, 0.0])


def test_absent_tasks_get_nothing_and_change_nothing(rng):
    values = rng.normal(size=5)
    got = project([values[0], 1e9, *values[1:], -1e9], [True, False, True, True, True, True, False])
    np.testing.assert_array_equal(got, [project(values)[0], 0, *project(values)[1:], 0])
    np.testing.assert_allclose(project(values, [False] * 5), project(values), rtol=0)
