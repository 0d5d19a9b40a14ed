"""ExcessMTL against the paper's equations written out."""

import numpy as np
import pytest

from mtlzoo.balancing import ExcessMTL, aggregate
from tests.balancing import blocks, gram_cases


def reference(jacobians, learning_rate):
    """The weights of each step, Σw = 1."""
    tasks = jacobians.shape[1]
    squares, weights, first, found = 0.0, np.full(tasks, 1 / tasks), None, []
    for jacobian in jacobians:
        squares = squares + jacobian**2
        excess = np.sum(jacobian**2 / np.sqrt(squares), axis=1)
        if first is None:
            first = excess
        else:
            weights = weights * np.exp(learning_rate * excess / first)
            weights = weights / weights.sum()
        found.append(weights)
    return np.array(found)


@pytest.mark.parametrize("learning_rate", [0.01, 1.0])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_agrees_with_the_equations(learning_rate, scale, rng):
    jacobians = scale * rng.normal(size=(20, 4, 9)) * [[1e-6], [0.3], [1.0], [1e6]] * rng.exponential(size=(20, 4, 1))
    balancer = ExcessMTL(learning_rate)
    for jacobian, wanted in zip(jacobians, reference(jacobians, learning_rate), strict=True):
        direction, weights = (found.numpy() for found in aggregate(balancer, jacobian))
        np.testing.assert_allclose(weights, wanted, rtol=1e-6)
        np.testing.assert_allclose(direction, weights @ jacobian, rtol=1e-12, atol=1e-12 * scale)


def test_the_first_step_leaves_equal_weights_and_gradients_that_stay_keep_them(rng):
    jacobian = rng.normal(size=(3, 6))
    balancer = ExcessMTL(1.0)
    for _ in range(5):
        np.testing.assert_allclose(aggregate(balancer, jacobian)[1], 1 / 3, rtol=1e-6)


def test_tasks_that_come_near_their_best_get_less(rng):
    balancer = ExcessMTL(0.5)
    for step in range(10):
        weights = aggregate(balancer, rng.normal(size=(3, 50)) * [[1.0], [0.5**step], [1.0]])[1].numpy()
        np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-12)
    assert weights[1] < 0.5 * min(weights[0], weights[2])


def test_the_scale_of_a_task_does_not_matter(rng):
    one, other = ExcessMTL(1.0), ExcessMTL(1.0)
    for _ in range(5):
        jacobian = rng.normal(size=(3, 6))
        wanted = aggregate(one, jacobian)[1]
        np.testing.assert_allclose(aggregate(other, jacobian * [[1e-6], [1.0], [1e6]])[1], wanted, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18, 1e30])
def test_squares_neither_overflow_nor_vanish(scale, rng):
    jacobians = rng.normal(size=(6, 3, 9))
    run = blocks.runner(ExcessMTL(1.0), 3, 9, traced=True, dtype="float32")
    for jacobian, wanted in zip(jacobians, reference(jacobians, 1.0), strict=True):
        np.testing.assert_allclose(run(scale * jacobian)[1], wanted, rtol=2e-5)


def test_absent_tasks_keep_their_state_and_start_with_their_own_first_step(rng):
    blocks.check_absent(lambda: ExcessMTL(0.5), rng, garbage=(1e9, 0.0))
    balancer = ExcessMTL(1.0)
    run = blocks.runner(balancer, 3, 6)
    first, second = rng.normal(size=(2, 3, 6))
    run(first, present=[True, False, True])
    assert balancer.first.numpy()[1] == 0
    before = np.exp(balancer.logits.numpy())
    weights = run(second)[1]
    excess = np.sum(second**2 / np.sqrt(first**2 + second**2), axis=1) / np.sum(np.abs(first), axis=1)
    wanted = before * np.exp(np.where([True, False, True], excess, 1.0))
    np.testing.assert_allclose(weights, wanted / wanted.sum(), rtol=1e-6)
    np.testing.assert_allclose(balancer.first.numpy()[1], np.sum(np.abs(second[1])), rtol=1e-12)
    run(first, present=[False, True, True])
    np.testing.assert_allclose(np.exp(balancer.logits.numpy()).sum(), 1.0, rtol=1e-12)


def test_a_weight_that_fell_below_any_number_comes_back(rng):
    balancer = ExcessMTL(1.0)
    jacobian = np.eye(2)
    aggregate(balancer, jacobian)
    assert aggregate(balancer, jacobian * [[1e4], [1e-4]])[1].numpy()[1] == 0
    assert aggregate(balancer, jacobian * [[1e-8], [1e4]])[1].numpy()[1] > 0.4


@pytest.mark.parametrize("name", gram_cases.dependent())
def test_finite_on_degenerate_rows(name):
    jacobian = gram_cases.dependent()[name]
    balancer = ExcessMTL(1.0)
    for rows in (np.zeros_like(jacobian), jacobian, 1e12 * jacobian, 1e-12 * jacobian):
        weights = aggregate(balancer, rows)[1].numpy()
        assert np.all(np.isfinite(weights)) and np.all(weights >= 0)
        np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-12)


def test_blocks_types_and_graphs(rng):
    blocks.check_blocks(lambda: ExcessMTL(1.0), rng)


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(ExcessMTL(0.3, every=2, freeze_after=9))
    for arguments in ({"learning_rate": 0}, {"every": 0}, {"freeze_after": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            ExcessMTL(**arguments)
