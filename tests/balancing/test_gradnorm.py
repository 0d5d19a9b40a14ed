"""GradNorm against algorithm 1 of the paper written out."""

import numpy as np
import pytest

from mtlzoo.balancing import GradNorm
from tests.balancing import gram_cases


def reference(jacobians, losses, asymmetry, learning_rate, rule):
    """Weights before each step, from gradients and losses; Σw = T after each."""
    tasks = losses.shape[1]
    w, m, v, found = np.ones(tasks), 0.0, 0.0, []
    for step, (jacobian, loss) in enumerate(zip(jacobians, losses, strict=True), start=1):
        found.append(w)
        norms = np.linalg.norm(jacobian, axis=1)
        rates = loss / losses[0]
        rates = rates / rates.mean()
        target = np.mean(w * norms) * rates**asymmetry
        gradient = np.sign(w * norms - target) * norms
        if rule == "sgd":
            w = w - learning_rate * gradient / np.mean(w * norms)
        else:
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            w = w - learning_rate * (m / (1 - 0.9**step)) / np.sqrt(v / (1 - 0.999**step))
        w = np.maximum(w, 0)
        w = w * tasks / w.sum()
    return np.array(found)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(("asymmetry", "rule"), [(1.5, "adam"), (0.12, "adam"), (0.0, "sgd"), (1.5, "sgd")])
def test_agrees_with_the_algorithm_written_out(asymmetry, rule, scale, rng):
    jacobians = scale * rng.normal(size=(25, 4, 6)) * [[1e-6], [0.3], [1.0], [1e6]]
    losses = rng.exponential(size=(25, 4)) * [1e-3, 1.0, 1.0, 1e3]
    run = gram_cases.runner(GradNorm(asymmetry, 0.025, rule), traced=True)
    got = [run(jacobian, loss) for jacobian, loss in zip(jacobians, losses, strict=True)]
    np.testing.assert_allclose(got, reference(jacobians, losses, asymmetry, 0.025, rule), rtol=1e-8, atol=1e-12)


def test_weights_sum_to_the_number_of_tasks_and_bring_norms_to_one_level(rng):
    jacobian = np.linalg.qr(rng.normal(size=(6, 3)))[0].T * [[0.5], [1.0], [2.0]]
    run = gram_cases.runner(GradNorm(asymmetry=0.0, learning_rate=0.005), traced=True)
    for _ in range(600):
        weights = run(jacobian)
        np.testing.assert_allclose(weights.sum(), 3.0, rtol=1e-12)
    np.testing.assert_allclose(weights * [0.5, 1.0, 2.0], np.mean(weights * [0.5, 1.0, 2.0]), rtol=0.05)


def test_tasks_that_train_slowly_get_more(rng):
    jacobian = np.eye(3)
    run = gram_cases.runner(GradNorm(learning_rate=0.01))
    for step in range(15):
        weights = run(jacobian, [0.5**step, 1.0, 0.5**step])
    assert weights[1] > 1.05 and weights[0] < 1


def test_permuted_tasks_zero_gradients_and_zero_losses(rng):
    order = [2, 0, 1]
    one, other = gram_cases.runner(GradNorm()), gram_cases.runner(GradNorm())
    for step in range(6):
        jacobian, losses = rng.normal(size=(3, 4)), rng.exponential(size=3) * (step % 2)
        jacobian[step % 3] = 0
        weights = one(jacobian, losses)
        np.testing.assert_allclose(other(jacobian[order], losses[order]), weights[order], rtol=1e-12)
        assert np.all(np.isfinite(weights)) and np.all(weights >= 0)
    assert np.all(np.isfinite(one(np.zeros((3, 4)), np.zeros(3))))


@pytest.mark.parametrize("tasks", [1, 64])
def test_any_number_of_tasks(tasks, rng):
    run = gram_cases.runner(GradNorm())
    for _ in range(3):
        weights = run(rng.normal(size=(tasks, 9)), rng.exponential(size=tasks))
        np.testing.assert_allclose(weights.sum(), tasks, rtol=1e-12)


def test_absent_tasks_keep_their_state_and_the_first_labelled_step_counts(rng):
    gram_cases.check_absent(GradNorm, rng)
    balancer = GradNorm()
    run = gram_cases.runner(balancer)
    run(rng.normal(size=(3, 4)), [3.0, 7.0, 2.0], [True, False, True])
    np.testing.assert_array_equal(balancer.first_losses.numpy(), [3.0, 0.0, 2.0])
    assert balancer.factors.numpy()[1] == 1
    run(rng.normal(size=(3, 4)), [1.0, 5.0, 1.0])
    np.testing.assert_array_equal(balancer.first_losses.numpy(), [3.0, 5.0, 2.0])


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(GradNorm(0.5, 0.1, "sgd", at="representation", every=2, freeze_after=9))
    for arguments in ({"asymmetry": -1}, {"learning_rate": 0}, {"optimizer": "rmsprop"}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            GradNorm(**arguments)
