"""ConFIG against the pseudo-inverse of the unit gradients, and its safe sign."""

import numpy as np
import pytest

from mtlzoo.balancing import ConFIG, aggregate
from tests.balancing import gram_cases

CASES, DEPENDENT = gram_cases.cases(), gram_cases.dependent()


def reference(jacobian):
    """(Σ g_iᵀû)·û with û = normalised U⁺·1."""
    norms = np.linalg.norm(jacobian, axis=1)
    unit = jacobian / np.where(norms > 0, norms, 1)[:, None]
    left, singular, right = np.linalg.svd(unit, full_matrices=False)
    real = singular > 1e-7 * singular[0] if singular[0] > 0 else singular > 0
    best = right[real].T @ (left[:, real].T @ (norms > 0) / singular[real])
    if np.linalg.norm(best) < 1e-12:
        return np.zeros(jacobian.shape[1])
    best /= np.linalg.norm(best)
    return (jacobian @ best).sum() * best


@pytest.mark.parametrize("name", CASES | DEPENDENT)
def test_agrees_with_the_pseudo_inverse_of_unit_gradients(name):
    jacobian = (CASES | DEPENDENT)[name]
    found, weights = aggregate("config", jacobian)
    wanted = reference(jacobian)
    # Of its own length; of the shortest row for nearly dependent rows, where G itself knows the direction no better.
    scale = np.linalg.norm(jacobian, axis=1).min() if "near" in name else np.linalg.norm(wanted)
    assert gram_cases.error(found, wanted, scale or 1.0) < 1e-6
    assert np.all(np.isfinite(weights))


@pytest.mark.parametrize("name", CASES)
def test_no_task_goes_uphill_and_projections_are_equal(name):
    jacobian = CASES[name]
    found = gram_cases.direction("config", jacobian)
    projections = jacobian @ found / np.linalg.norm(jacobian, axis=1)
    assert np.all(projections > 0)
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-6, atol=1e-9 * np.linalg.norm(found))


def test_it_is_the_line_of_imtl_g_and_follows_the_scale(rng):
    jacobian = rng.normal(size=(4, 6)) * [[1e-2], [1.0], [1.0], [20.0]]
    found, other = gram_cases.direction("config", jacobian), gram_cases.direction("imtl_g", jacobian)
    np.testing.assert_allclose(abs(found @ other), np.linalg.norm(found) * np.linalg.norm(other), rtol=1e-12)
    np.testing.assert_allclose(gram_cases.direction("config", 1e9 * jacobian), 1e9 * found, rtol=1e-12)


def test_opposed_and_zero_gradients_stop():
    for name in ("only opposed", "all zero"):
        found, weights = aggregate("config", DEPENDENT[name])
        np.testing.assert_array_equal(found, 0)
        np.testing.assert_array_equal(weights, 0)
    assert aggregate("config", DEPENDENT["zero row"])[1][-1] == 0


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(ConFIG, rng)
    gram_cases.check_round_trip(ConFIG(at="representation", every=2, freeze_after=9))
