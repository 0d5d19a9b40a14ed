"""FairGrad against Newton's method in extended precision, and what it claims."""

import numpy as np
import pytest

from mtlzoo.balancing import FairGrad, aggregate
from tests.balancing import jacobians

ALPHAS = [0.3, 0.5, 1.0, 2.0, 10.0]
WEIGHTS = {alpha: jacobians.compiled(FairGrad(alpha)) for alpha in ALPHAS}


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("kind", ["plain", "common", "parallel", "opposed"])
def test_gains_are_fair_at_any_scale(kind, alpha, rng):
    for jacobian in jacobians.grid(kind, rng, counts=(1, 2, 4, 10)):
        weights = WEIGHTS[alpha](jacobian)
        wanted, direction = jacobians.fair(jacobian, 1 / alpha, weights)
        np.testing.assert_allclose(weights, wanted.astype("float64"), rtol=3e-7)
        difference = np.asarray(weights @ jacobian.astype(np.longdouble) - direction, "float64")
        assert np.linalg.norm(difference) <= 1e-7 * np.linalg.norm(np.asarray(direction, "float64"))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("count", [2, 8, 64])
def test_every_task_gains(count, alpha, rng):
    jacobian = jacobians.rows("plain", count, rng)
    for long in (1.0, 1e3, 1e6):
        jacobian[0] *= long
        direction = WEIGHTS[alpha](jacobian) @ jacobian
        assert jacobians.least_cosine(jacobian, direction) > -1e-12


def test_a_small_alpha_is_the_mean_and_a_large_one_serves_the_task_that_gains_least(rng):
    jacobian = rng.normal(size=(4, 9))
    np.testing.assert_allclose(jacobians.compiled(FairGrad(0.001))(jacobian), np.ones(4), rtol=0.02)
    weights = jacobians.compiled(FairGrad(1000.0))(jacobian)
    gains = jacobian @ (weights @ jacobian)
    np.testing.assert_allclose(gains[weights > 1e-2 * weights.max()], gains.min(), rtol=0.02)


def test_does_not_care_for_the_order_and_scales_as_its_equation(rng):
    jacobian, order = jacobians.scaled(jacobians.rows("plain", 12, rng), rng, 2), rng.permutation(12)
    for alpha in ALPHAS:
        weights = WEIGHTS[alpha](jacobian)
        np.testing.assert_allclose(WEIGHTS[alpha](jacobian[order]), weights[order], rtol=1e-9)
        np.testing.assert_allclose(WEIGHTS[alpha](1e-6 * jacobian), weights * 1e12 ** (alpha / (1 + alpha)), rtol=1e-9)


def test_repeated_opposed_and_zero_rows():
    x, y = np.eye(2)
    for alpha in ALPHAS:
        assert np.ptp(WEIGHTS[alpha](np.array([x, x, y]))[:2]) <= 1e-12
        np.testing.assert_allclose(WEIGHTS[alpha](np.array([x, 0 * x, y])), [1, 0, 1], rtol=1e-12)
        for jacobian in ([x, -x], [x, y, -x - y]):
            direction, weights = aggregate(FairGrad(alpha), jacobian)
            assert np.all(np.asarray(weights) > 0) and np.linalg.norm(direction) <= 1e-4 * max(1, np.max(weights))


def test_a_gradient_that_is_not_finite_is_not_hidden():
    assert np.all(np.isnan(WEIGHTS[2.0](np.array([[1.0, np.nan], [0.0, 1.0]]))))


def test_a_bad_alpha_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        FairGrad(alpha=0)
