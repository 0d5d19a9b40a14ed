"""MoCo against algorithm 1 of the paper written out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import MoCo, aggregate
from tests import helpers
from tests.balancing import blocks, gram_cases


def projected(values):
    """The nearest point of the simplex, by bisection."""
    low, high = np.min(values) - 1, np.max(values)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sum(np.maximum(values - middle, 0)) > 1 else (low, middle)
    return np.maximum(values - high, 0)


def reference(jacobians, losses, beta=0.5, beta_sigma=0.5, gamma=0.1, gamma_sigma=0.5, rho=0.0):
    """Directions, weights and λ of each step."""
    tasks = jacobians.shape[1]
    y, shares, found = np.zeros(jacobians.shape[1:]), np.full(tasks, 1 / tasks), []
    for k, (jacobian, loss) in enumerate(zip(jacobians, losses, strict=True), start=1):
        norms = np.linalg.norm(jacobian, axis=1)
        y = y - beta / k**beta_sigma * (y - jacobian * (loss / norms)[:, None])
        shares = projected(shares - gamma / k**gamma_sigma * (y @ y.T + rho * np.eye(tasks)) @ shares)
        found.append((shares @ y, shares * loss / norms, shares))
    return found


@pytest.mark.parametrize(
    "arguments", [{}, {"beta": 1.0, "beta_sigma": 0.0}, {"gamma": 0.5, "gamma_sigma": 0.1, "rho": 0.3}, {"beta_sigma": 1.0, "gamma": 10.0}]
)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_agrees_with_the_algorithm(arguments, scale, rng):
    jacobians = scale * rng.normal(size=(12, 4, 9)) * [[1e-6], [0.3], [1.0], [1e6]]
    losses = rng.exponential(size=(12, 4)) + 0.1
    balancer = MoCo(**arguments)
    for jacobian, loss, (wanted, weights, shares) in zip(jacobians, losses, reference(jacobians, losses, **arguments), strict=True):
        direction, got = aggregate(balancer, jacobian, loss)
        np.testing.assert_allclose(balancer.shares.numpy(), shares, rtol=1e-6, atol=1e-6)
        assert gram_cases.error(direction, wanted, loss.max()) < 1e-6
        np.testing.assert_allclose(got, weights, rtol=1e-5, atol=1e-6 * weights.max())


def test_without_averages_and_steps_it_is_the_mean_of_rows_of_the_length_of_their_losses(rng):
    balancer = MoCo(beta=1.0, beta_sigma=0.0, gamma=0.0)
    for _ in range(3):
        jacobian, losses = rng.normal(size=(3, 7)), rng.exponential(size=3)
        unit = jacobian / np.linalg.norm(jacobian, axis=1, keepdims=True)
        np.testing.assert_allclose(aggregate(balancer, jacobian, losses)[0], losses @ unit / 3, rtol=1e-12)


def test_on_gradients_that_stay_it_settles_on_the_shortest_combination_and_its_weights_are_true(rng):
    jacobian, losses = rng.normal(size=(3, 5)) + 0.5, np.array([1.0, 0.5, 2.0])
    run = blocks.runner(MoCo(beta_sigma=0.0, gamma=0.2, gamma_sigma=0.0), 3, 5, traced=True)
    for _ in range(1500):
        direction, weights = run(jacobian, losses)
    rows = jacobian * (losses / np.linalg.norm(jacobian, axis=1))[:, None]
    np.testing.assert_allclose(direction, gram_cases.direction("mgda", rows), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weights @ jacobian, direction, rtol=1e-5, atol=1e-6)


def test_the_length_of_gradients_does_not_matter(rng):
    one, other = MoCo(), MoCo()
    for _ in range(4):
        jacobian, losses = rng.normal(size=(3, 6)), rng.exponential(size=3)
        wanted = aggregate(one, jacobian, losses)[0]
        np.testing.assert_allclose(aggregate(other, jacobian * [[1e-9], [1.0], [1e9]], losses)[0], wanted, rtol=1e-6)


def test_absent_tasks_keep_average_share_and_count(rng):
    blocks.check_absent(MoCo, rng)
    balancer = MoCo()
    run = blocks.runner(balancer, 3, 6)
    for present in ([True, False, True], [True, True, True], [False, True, False]):
        run(rng.normal(size=(3, 6)), rng.exponential(size=3), present)
        np.testing.assert_allclose(balancer.shares.numpy().sum(), 1, rtol=1e-12)
    np.testing.assert_array_equal(balancer.counts.numpy(), [2, 2, 2])


def test_a_task_whose_share_is_gone_may_be_alone_in_a_batch(rng):
    balancer = MoCo(beta=1.0, beta_sigma=0.0, gamma=1.0)
    run = blocks.runner(balancer, 2, 6)
    jacobian = rng.normal(size=(2, 6))
    run(jacobian, [1.0, 100.0])
    assert balancer.shares.numpy()[1] == 0
    direction, weights = run(jacobian, [1.0, 100.0], [False, True])
    np.testing.assert_allclose(direction, 100.0 * jacobian[1] / np.linalg.norm(jacobian[1]), rtol=1e-12)
    assert weights[0] == 0
    np.testing.assert_array_equal(balancer.shares.numpy(), [1.0, 0.0])


@pytest.mark.parametrize("name", gram_cases.dependent())
def test_finite_on_degenerate_rows_and_losses(name, rng):
    jacobian = gram_cases.dependent()[name]
    run = blocks.runner(MoCo(), *jacobian.shape, dtype="float32")
    for scale in (1e-12, 1.0, 1e12, 0.0):
        losses = scale * rng.exponential(size=len(jacobian))
        direction, weights = run(jacobian, losses)
        assert np.all(np.isfinite(direction)) and np.all(np.isfinite(weights)) and np.all(weights >= 0)


def test_blocks_types_and_graphs(rng):
    blocks.check_blocks(MoCo, rng)


def test_a_model_moves_by_the_rows_and_between_steps_by_the_kept_weights(rng):
    tasks = [Task.regression("a"), Task.multiclass("b", 3, alpha=0.5)]
    model = mtlzoo.architectures.hard_sharing((4,), tasks, trunk=trunks.mlp((3,)), seed=0)
    model.compile(keras.optimizers.SGD(0.1), balancer=MoCo(beta=1.0, beta_sigma=0.0, gamma=0.0, every=2))
    x, y = rng.normal(size=(16, 4)).astype("float32"), helpers.labels_for(tasks, 16, rng)
    shared = [v for v in model.trainable_variables if v.path.startswith("dense")]
    for step in range(4):
        with tf.GradientTape(persistent=True) as tape:
            losses, _ = model.task_losses(*model.task_losses.pick(y, model(x, training=True), None))
            losses = tf.unstack(losses)
        rows = np.array([np.concatenate([tape.gradient(loss, v.value).numpy().ravel() for v in shared]) for loss in losses])
        if step % 2 == 0:
            weights = np.array(losses) / np.linalg.norm(rows, axis=1) / 2
        before = np.concatenate([v.numpy().ravel() for v in shared])
        model.train_on_batch(x, y)
        after = np.concatenate([v.numpy().ravel() for v in shared])
        np.testing.assert_allclose(before - after, 0.1 * (weights * [1.0, 0.5]) @ rows, atol=1e-6)
        np.testing.assert_allclose(model.balancer.last.numpy(), weights, rtol=1e-5)


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(MoCo(0.3, 0.4, 0.2, 0.6, 0.1, every=2, freeze_after=9))
    wrong = ({"beta": 0}, {"beta": 1.1}, {"beta_sigma": -1}, {"gamma": -1}, {"gamma_sigma": -1}, {"rho": -1}, {"every": 0})
    for arguments in wrong:
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            MoCo(**arguments)
    balancer = MoCo()
    aggregate(balancer, np.eye(3), np.ones(3))
    with pytest.raises(ValueError, match=r"keeps gradients of shared variables of the sizes \(3,\) already; make a new one for \(4,\)"):
        aggregate(balancer, np.ones((3, 4)), np.ones(3))
    with pytest.raises(ValueError, match="`sizes` must be given"):
        MoCo().set_tasks(["regression"])
