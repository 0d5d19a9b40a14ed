"""MGDA against nonnegative least squares on the gradients themselves, and what it claims."""

import numpy as np
import pytest

from mtlzoo.balancing import MGDA, aggregate
from tests.balancing import jacobians

WEIGHTS = {normalization: jacobians.compiled(MGDA(normalization)) for normalization in ("none", "l2", "loss", "loss+")}


def reference(jacobian, sizes):
    """Weights of the shortest mean of the rows over their sizes: min ‖Ĵᵀu‖² + (aᵀu − 1)², a = sizes over norms, w ∝ a·u."""
    norms, unit = jacobians.in_units(jacobian)
    lengths = sizes / norms / np.max(sizes / norms)
    found = jacobians.nonnegative_least_squares(np.vstack([unit.T, lengths]), np.append(np.zeros(unit.shape[1]), 1.0))
    return found * lengths / np.dot(found, lengths)


@pytest.mark.parametrize("kind", [kind for kind in jacobians.KINDS if kind != "zero"])
def test_direction_is_exact_at_any_scale(kind, rng):
    for jacobian in jacobians.grid(kind, rng):
        weights = WEIGHTS["none"](jacobian)
        norms, unit = jacobians.in_units(jacobian)
        wanted, got = ((found * norms / norms.min()) @ unit for found in (reference(jacobian, np.ones(len(jacobian))), weights))
        length = np.linalg.norm(wanted)  # in units of the shortest row
        assert np.linalg.norm(got - wanted) <= 1e-7 * (length if length > 1e-6 else 1.0)
        assert np.all(weights >= 0) and np.sum(weights) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("normalization", ["l2", "loss", "loss+"])
@pytest.mark.parametrize("kind", ["plain", "common", "opposed"])
def test_weights_come_from_the_normalised_rows(kind, normalization, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(2, 3, 5)):
        losses = 10.0 ** rng.uniform(-3, 3, size=len(jacobian))
        norms = np.linalg.norm(jacobian, axis=1)
        sizes = {"l2": norms, "loss": losses, "loss+": losses * norms}[normalization]
        np.testing.assert_allclose(WEIGHTS[normalization](jacobian, losses), reference(jacobian, sizes), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("long", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("count", [2, 8, 64])
def test_no_task_is_harmed_and_all_used_gain_the_same(count, long, rng):
    for kind in ("plain", "opposed"):
        jacobian = jacobians.rows(kind, count, rng)
        jacobian[0] *= long
        direction = WEIGHTS["none"](jacobian) @ jacobian
        gains, square = jacobian @ direction, direction @ direction
        assert jacobians.least_cosine(jacobian, direction) >= -1e-9
        assert np.all(gains >= square - 1e-9 * np.linalg.norm(jacobian, axis=1) * np.sqrt(square))


def test_two_tasks_as_in_the_paper(rng):
    for _ in range(50):
        one, other = rng.normal(size=(2, 3)) * 10.0 ** rng.uniform(-3, 3, size=(2, 1))
        share = np.clip((other - one) @ other / np.sum((one - other) ** 2), 0, 1)
        np.testing.assert_allclose(WEIGHTS["none"](np.stack([one, other])), [share, 1 - share], rtol=1e-9, atol=1e-15)


def test_does_not_care_for_the_order_or_the_scale(rng):
    jacobian = jacobians.scaled(jacobians.rows("plain", 12, rng), rng, 1)
    order, weights = rng.permutation(12), WEIGHTS["none"](jacobian)
    np.testing.assert_allclose(WEIGHTS["none"](jacobian[order]), weights[order], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(WEIGHTS["none"](1e-9 * jacobian), weights, rtol=1e-9, atol=1e-15)


def test_where_no_direction_helps_it_is_zero():
    x, y = np.eye(2)
    for jacobian in ([x, -x], [1e6 * x, -1e6 * x, 1e-6 * y], [x, y, -x - y], [x, 0 * x], [0 * x, 0 * x]):
        direction, weights = aggregate("mgda", jacobian)
        assert np.sum(weights) == pytest.approx(1) and np.linalg.norm(direction) <= 1e-12
    np.testing.assert_allclose(WEIGHTS["none"](np.array([x, x, 5 * y])), [25 / 52, 25 / 52, 1 / 26], rtol=1e-5)


def test_losses_of_zero_and_at_the_ends_of_the_scale_stay_finite(rng):
    jacobian = rng.normal(size=(3, 5))
    for losses in ([0, 0, 0], [0, 1, 2], [1e-12, 1, 1e12], [0, 0, 1e12]):
        for normalization in ("loss", "loss+"):
            weights = WEIGHTS[normalization](jacobian, losses)
            assert np.all(np.isfinite(weights)) and np.sum(weights) == pytest.approx(1)
    assert WEIGHTS["loss"](jacobian, [0, 1, 2])[0] == 0


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(WEIGHTS["none"](np.array([[1.0, np.nan], [0.0, 1.0]]))))


def test_an_unknown_normalization_is_refused():
    with pytest.raises(ValueError, match="'loss\\+'"):
        MGDA("loss-")
