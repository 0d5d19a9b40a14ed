"""IMTL-G against the solution taken from the gradients themselves, and its equal projections."""

import numpy as np
import pytest

from mtlzoo.balancing import IMTLG, aggregate
from tests.balancing import gram_cases

CASES = gram_cases.cases()
# Where other weights on dependent rows would do as well, the shortest coefficients of unit rows are meant.
DEPENDENT = {name: rows for name, rows in gram_cases.dependent().items() if name not in ("all zero", "only opposed")}


def reference(jacobian):
    """Weights from unit rows U by an orthogonal decomposition: a = (UUᵀ)⁺·1, w = a/n, Σw = 1."""
    norms = np.linalg.norm(jacobian, axis=1)
    kept = norms > 0
    a = np.zeros(len(jacobian))
    left, singular, _ = np.linalg.svd(jacobian[kept] / norms[kept, None], full_matrices=False)
    real = singular > 1e-7 * singular[0]
    a[kept] = left[:, real] @ ((left[:, real].T @ np.ones(kept.sum())) / singular[real] ** 2)
    a[kept] /= norms[kept]
    return a / a.sum()


@pytest.mark.parametrize("name", CASES | DEPENDENT)
def test_agrees_with_the_definition_on_the_gradients(name):
    jacobian = (CASES | DEPENDENT)[name]
    found, weights = aggregate("imtl_g", jacobian)
    wanted = reference(jacobian)
    # Of its own length; of the shortest row for nearly dependent rows, where G itself knows the direction no better.
    scale = np.linalg.norm(jacobian, axis=1).min() if "near" in name else None
    assert gram_cases.error(found, wanted @ jacobian, scale) < 1e-6
    np.testing.assert_allclose(weights.numpy().sum(), 1.0, rtol=1e-9 * np.abs(weights).sum())
    np.testing.assert_allclose(weights, wanted, rtol=2e-6, atol=2e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("name", CASES)
def test_projections_are_equal_and_their_sign_is_that_of_the_sum(name):
    jacobian = CASES[name]
    found, norms = gram_cases.direction("imtl_g", jacobian), np.linalg.norm(jacobian, axis=1)
    projections = jacobian @ found / norms
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-6, atol=1e-9 * np.linalg.norm(found))


def between(length):
    """Two orthogonal gradients and one between them of the given length, whose coefficient in the common direction is negative."""
    third = np.array([np.cos(0.3) / np.sqrt(2), np.cos(0.3) / np.sqrt(2), np.sin(0.3)])
    return np.vstack([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], length * third])


def test_it_can_point_uphill():
    """By definition: here Σ(G⁻¹n) is negative, so the direction that serves all three comes with its sign turned."""
    assert np.all(between(1.0) @ gram_cases.direction("imtl_g", between(1.0)) > 0.1)
    assert np.all(between(1e-2) @ gram_cases.direction("imtl_g", between(1e-2)) < 0)


def test_weights_that_do_not_exist_are_an_error():
    unit = between(1.0)
    coefficients = np.linalg.solve(unit @ unit.T, np.ones(3))
    length = -coefficients[2] / coefficients[:2].sum()
    assert length > 0
    with pytest.raises(ValueError, match="'imtl_g' found no finite direction"):
        aggregate("imtl_g", between(length))
    assert np.all(np.isfinite(aggregate("imtl_g", between(length * 1.0001))[1]))


def test_row_lengths_do_not_change_the_line(rng):
    jacobian = rng.normal(size=(4, 6))
    one, other = (gram_cases.direction("imtl_g", jacobian * scale) for scale in (1.0, rng.exponential(size=(4, 1))))
    np.testing.assert_allclose(abs(one @ other), np.linalg.norm(one) * np.linalg.norm(other), rtol=1e-12)


def test_opposed_and_zero_gradients():
    dependent = gram_cases.dependent()
    found, weights = aggregate("imtl_g", dependent["only opposed"])
    np.testing.assert_allclose(found, 0.0, atol=1e-15)
    np.testing.assert_allclose(weights, [2 / 3, 1 / 3], rtol=1e-12)
    np.testing.assert_allclose(aggregate("imtl_g", dependent["all zero"])[1], 1 / 3)
    assert aggregate("imtl_g", dependent["zero row"])[1][-1] == 0


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(IMTLG, rng)
    gram_cases.check_round_trip(IMTLG(at="representation", every=2, freeze_after=9))
