"""MoDo against algorithm 1 of the paper written out."""

import numpy as np
import pytest

from mtlzoo.balancing import MoDo, aggregate
from tests.balancing import batches, gram_cases


def reference(steps, gamma, rho):
    """Directions and weights for the Jacobians of each step, [3, T, d]."""
    point = np.full(len(steps[0][0]), 1 / len(steps[0][0]))
    for first, second, third in steps:
        point = batches.projected(point - gamma * (first @ (second.T @ point) + rho * point))
        yield third.T @ point, point


@pytest.mark.parametrize(("gamma", "rho"), [(0.01, 0.0), (0.1, 0.1), (1.0, 2.0)])
@pytest.mark.parametrize("tasks", [2, 5, 20])
def test_agrees_with_the_algorithm_written_out(tasks, gamma, rho, rng):
    steps = rng.normal(size=(80, 3, tasks, 7)) * rng.uniform(0.2, 2.0, size=(tasks, 1))
    run = batches.runner(MoDo(gamma, rho))
    for step, (direction, weights) in zip(steps, reference(steps, gamma, rho), strict=True):
        got = run(step)
        np.testing.assert_allclose(got[1], weights, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(got[0], direction, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
def test_agrees_at_any_scale_if_gamma_goes_with_it(scale, rng):
    steps = rng.normal(size=(20, 3, 3, 7))
    run = batches.runner(MoDo(0.05 / scale**2, 0.0))
    for step, (_, weights) in zip(steps, reference(steps, 0.05, 0.0), strict=True):
        np.testing.assert_allclose(run(scale * step)[1], weights, rtol=1e-6, atol=1e-12)
    assert np.all(np.isfinite(batches.runner(MoDo())(scale * steps[0])[1]))


def test_exact_gradients_lead_to_the_shortest_combination(rng):
    jacobian = rng.normal(size=(4, 6)) * [[0.5], [1.0], [1.0], [2.0]]
    weights = batches.weights_of(MoDo(0.05, 0.0), np.tile(jacobian, (3000, 3, 1, 1)))[-1]
    np.testing.assert_allclose(weights, batches.least(jacobian @ jacobian.T), atol=1e-6)


def test_noise_of_one_task_does_not_take_its_weight_away(rng):
    steps = np.array([batches.noisy(np.eye(2), [1.5, 0.1], rng) for _ in range(4000)])
    double, single = (batches.weights_of(MoDo(0.002, 0.0), rows)[1000:].mean(axis=0) for rows in (steps, steps[:, [0, 0, 2]]))
    np.testing.assert_allclose(double, 0.5, atol=0.06)
    assert single[0] < 0.25, "one batch for both sees the squared noise as a long gradient"


def test_rho_draws_to_equal_weights():
    steps = np.tile(np.diag([1.0, 2.0]), (800, 3, 1, 1))
    last = [batches.weights_of(MoDo(0.01, rho), steps)[-1][0] for rho in (0.0, 1.0, 100.0)]
    np.testing.assert_allclose(last[:2], [0.8, 5 / 7], rtol=1e-6)
    assert last[1] > last[2] >= 0.5


def test_absent_tasks_numbers_of_tasks_and_degenerate_batches(rng):
    batches.check_modes(MoDo, rng)
    batches.check_others_return(MoDo, rng)
    gram_cases.check_absent(MoDo, rng)


def test_aggregate_takes_one_matrix_or_three(rng):
    jacobians = rng.normal(size=(3, 2, 5))
    direction, weights = aggregate("modo", jacobians)
    np.testing.assert_allclose(direction, jacobians[2].T @ weights.numpy(), rtol=1e-12)
    np.testing.assert_allclose(weights, next(reference(jacobians[None], 0.1, 0.1))[1], rtol=1e-12)
    np.testing.assert_array_equal(aggregate("modo", jacobians[0])[0], aggregate("modo", jacobians[[0, 0, 0]])[0])
    for shape in [(2, 2, 5), (3, 0, 5)]:
        with pytest.raises(ValueError, match="`jacobian` must be a matrix"):
            aggregate("modo", np.zeros(shape))


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(MoDo(0.5, 0.2, every=2, freeze_after=9))
    for arguments in ({"gamma": 0}, {"rho": -1}, {"every": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            MoDo(**arguments)
