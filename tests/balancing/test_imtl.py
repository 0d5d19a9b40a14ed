"""IMTL against both of its halves written out."""

import numpy as np
import pytest

from mtlzoo.balancing import IMTL, IMTLG
from tests.balancing import gram_cases


def reference(jacobians, losses, learning_rate=0.025):
    """Weights of each step: IMTL-G of the rows exp(s)·g, times exp(s); Adam on Σ exp(s)·L − s."""
    s, m, v, weights = np.zeros(losses.shape[1]), 0.0, 0.0, []
    for step, (jacobian, loss) in enumerate(zip(jacobians, losses, strict=True), start=1):
        rows = np.exp(s)[:, None] * jacobian
        solved = np.linalg.solve(rows @ rows.T, np.linalg.norm(rows, axis=1))
        weights.append(np.exp(s) * solved / solved.sum())
        gradient = np.exp(s) * loss - 1
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        s = s - learning_rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return np.array(weights)


def test_agrees_with_both_halves_written_out(rng):
    jacobians, losses = rng.normal(size=(30, 3, 6)) * [[0.1], [1.0], [30.0]], rng.exponential(size=(30, 3)) * [1e-3, 1.0, 1e3]
    run = gram_cases.runner(IMTL())
    got = [run(jacobian, loss) for jacobian, loss in zip(jacobians, losses, strict=True)]
    np.testing.assert_allclose(got, reference(jacobians, losses), rtol=1e-8)


def test_scales_settle_at_one_over_the_losses_and_the_line_is_that_of_imtl_g(rng):
    jacobian, losses = rng.normal(size=(3, 6)), np.array([0.2, 1.0, 6.0])
    balancer = IMTL(learning_rate=0.1)
    run = gram_cases.runner(balancer, traced=True)
    for _ in range(400):
        weights = run(jacobian, losses)
    np.testing.assert_allclose(np.exp(balancer.log_scales.numpy()), 1 / losses, rtol=1e-3)
    plain = gram_cases.step(IMTLG(), jacobian)
    np.testing.assert_allclose(weights / plain, (weights / plain)[0], rtol=1e-9)
    # Weights of the scaled losses sum to 1.
    np.testing.assert_allclose(np.sum(weights * losses), 1.0, rtol=1e-2)


@pytest.mark.parametrize("loss", [0.0, 1e-12, 1e12])
def test_losses_of_any_size_give_finite_weights(loss, rng):
    run = gram_cases.runner(IMTL(), traced=True)
    for step in range(300):
        weights = run(rng.normal(size=(3, 6)), [loss, 1.0, 1e-12 if step % 100 else loss])
    assert np.all(np.isfinite(weights))


@pytest.mark.parametrize("tasks", [1, 64])
def test_any_number_of_tasks(tasks, rng):
    jacobian = rng.normal(size=(tasks, 80))
    np.testing.assert_allclose(gram_cases.step(IMTL(), jacobian), gram_cases.step(IMTLG(), jacobian), rtol=1e-12)


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(IMTL, rng)
    balancer = IMTL(learning_rate=0.5)
    gram_cases.step(balancer, rng.normal(size=(2, 3)), [1.0, 3.0], [False, True])
    assert balancer.log_scales.numpy()[0] == 0 and balancer.log_scales.numpy()[1] != 0
    gram_cases.check_round_trip(IMTL(learning_rate=0.1, at="representation", every=2, freeze_after=9))
    with pytest.raises(ValueError, match="`learning_rate`"):
        IMTL(learning_rate=0)
