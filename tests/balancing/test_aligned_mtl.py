"""Aligned-MTL against a Jacobi decomposition of the gradients themselves, which knows small singular values to full accuracy."""

import numpy as np
import pytest

from mtlzoo.balancing import AlignedMTL, aggregate
from tests.balancing import gram_cases

CASES, DEPENDENT = gram_cases.cases(), gram_cases.dependent()


def decomposed(jacobian):
    """Left singular vectors [T, r], singular values [r] and right ones [r, d], by rotating rows until they are orthogonal."""
    order = np.argsort(-np.linalg.norm(jacobian, axis=1))
    rows, turned = jacobian[order].copy(), np.eye(len(jacobian))[order]
    for _ in range(60):
        worst = 0.0
        for i in range(len(rows)):
            for j in range(i + 1, len(rows)):
                a, b, c = rows[i] @ rows[i], rows[j] @ rows[j], rows[i] @ rows[j]
                if abs(c) > 1e-15 * np.sqrt(a * b) and min(a, b) > 1e-28 * np.linalg.norm(jacobian, axis=1).min() ** 2 > 0:
                    worst = max(worst, abs(c) / np.sqrt(a * b))
                    zeta = (b - a) / (2 * c)
                    t = np.copysign(1.0, zeta) / (abs(zeta) + np.hypot(1.0, zeta))
                    cos = 1 / np.hypot(1.0, t)
                    both, sides = rows[[i, j]], turned[[i, j]]
                    rotation = cos * np.array([[1.0, -t], [t, 1.0]])
                    rows[[i, j]], turned[[i, j]] = rotation @ both, rotation @ sides
        if worst < 1e-15:
            break
    singular = np.linalg.norm(rows, axis=1)
    return turned, singular, rows


def reference(jacobian, scale):
    """√λ·V·Uᵀ·1 over the singular values that are not 0."""
    turned, singular, rows = decomposed(jacobian)
    dimensions = np.linalg.matrix_rank(jacobian / np.maximum(np.linalg.norm(jacobian, axis=1), 1e-300)[:, None], tol=1e-6)
    kept = np.argsort(-singular)[:dimensions]
    values = np.sort(singular[kept] ** 2)
    level = {"min": values[0], "median": values[(len(values) - 1) // 2], "mean": values.mean()}[scale]
    return np.sqrt(level) * (turned[kept].sum(axis=1) / singular[kept]) @ rows[kept]


@pytest.mark.parametrize("scale", ["min", "median", "mean"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_decomposition_of_the_gradients(name, scale):
    jacobian = CASES[name]
    found, weights = aggregate(AlignedMTL(scale), jacobian)
    assert gram_cases.error(found, reference(jacobian, scale)) < 1e-6
    assert np.all(np.isfinite(weights))


@pytest.mark.parametrize("name", [name for name in DEPENDENT if name != "all zero"])
def test_dependent_rows_lower_the_rank(name):
    jacobian = DEPENDENT[name]
    left, singular, right = np.linalg.svd(jacobian, full_matrices=False)
    real = singular > 1e-9 * singular[0]
    wanted = singular[real][-1] * (left[:, real].sum(axis=0) @ right[real])
    assert gram_cases.error(gram_cases.direction("aligned_mtl", jacobian), wanted, singular[real][-1]) < 1e-9


def test_repeated_tasks_share_and_zero_gradients_give_zero():
    weights = aggregate("aligned_mtl", DEPENDENT["repeated"])[1].numpy()
    np.testing.assert_allclose(weights[1], weights[3], rtol=1e-9)
    assert aggregate("aligned_mtl", DEPENDENT["zero row"])[1][-1] == 0
    np.testing.assert_array_equal(aggregate("aligned_mtl", DEPENDENT["all zero"])[1], 0)


def test_the_aligned_gradients_are_orthogonal_and_of_one_length(rng):
    """Each task's aligned gradient is what the direction would be with that task alone in p; they sum to the direction."""
    jacobian = rng.normal(size=(4, 7)) * [[1e-3], [1.0], [1.0], [50.0]]
    found = gram_cases.direction("aligned_mtl", jacobian)
    smallest = np.linalg.svd(jacobian, compute_uv=False)[-1]
    # Four orthogonal rows of length √λ.
    np.testing.assert_allclose(np.linalg.norm(found), 2 * smallest, rtol=1e-9)
    np.testing.assert_allclose(gram_cases.direction("aligned_mtl", 1e-9 * jacobian), 1e-9 * found, rtol=1e-9)


def test_absent_tasks_the_configuration_and_bad_arguments(rng):
    gram_cases.check_absent(AlignedMTL, rng)
    gram_cases.check_absent(lambda: AlignedMTL("median"), rng)
    gram_cases.check_round_trip(AlignedMTL("mean", at="representation", every=2, freeze_after=9))
    with pytest.raises(ValueError, match="`scale`"):
        AlignedMTL("max")
