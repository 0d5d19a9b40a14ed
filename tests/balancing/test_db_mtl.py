"""DB-MTL without moving average against its definition on the gradients of the log losses."""

import numpy as np
import pytest

from mtlzoo.balancing import DBMTL, aggregate
from tests.balancing import gram_cases

CASES = gram_cases.cases() | gram_cases.dependent()


def reference(jacobian, losses):
    """Rows of the log losses, each stretched to the longest, and summed."""
    rows = jacobian / (losses + 1e-8)[:, None]
    norms = np.linalg.norm(rows, axis=1)
    return sum(norms.max() / norm * row for norm, row in zip(norms, rows, strict=True) if norm > 0)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_definition_on_the_gradients(name, rng):
    jacobian = CASES[name]
    losses = rng.exponential(size=len(jacobian)) * 10.0 ** rng.integers(-12, 13, len(jacobian))
    found, wanted = gram_cases.direction("db_mtl", jacobian, losses), reference(jacobian, losses)
    scale = (np.linalg.norm(jacobian, axis=1) / (losses + 1e-8)).max() or 1.0
    assert gram_cases.error(found, wanted, scale) < 1e-12


def test_every_task_has_the_same_share_whatever_its_scale(rng):
    jacobian, losses = rng.normal(size=(4, 6)), rng.exponential(size=4)
    found, weights = aggregate("db_mtl", jacobian, losses)
    shares = weights.numpy() * np.linalg.norm(jacobian, axis=1)
    np.testing.assert_allclose(shares, shares[0], rtol=1e-12)
    scales = np.array([1e-3, 1.0, 10.0, 1e4])
    scaled = gram_cases.direction("db_mtl", scales[:, None] * jacobian, scales * losses)
    np.testing.assert_allclose(scaled, found, rtol=1e-4)


def test_zero_losses_and_zero_gradients_are_finite():
    for losses in ([0.0, 0.0, 0.0], [1e-12, 1.0, 1e12]):
        weights = aggregate("db_mtl", [[1.0, 0.0], [0.0, 0.0], [1e-6, 2e6]], losses)[1].numpy()
        assert np.all(np.isfinite(weights)) and weights[1] == 0
    np.testing.assert_array_equal(aggregate("db_mtl", np.zeros((3, 2)), [1.0, 1.0, 1.0])[1], 0)


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(DBMTL, rng)
    gram_cases.check_round_trip(DBMTL(at="representation", every=2, freeze_after=9))
