"""SDMGrad against algorithm 1 of the paper written out."""

import numpy as np
import pytest

from mtlzoo.balancing import SDMGrad
from tests.balancing import batches, gram_cases


def reference(steps, preference=0.3, learning_rate=0.5, momentum=0.5, iterations=20):
    """Directions and weights for the Jacobians of each step, [3, T, d]."""
    tasks = len(steps[0][0])
    point, equal = np.full(tasks, 1 / tasks), np.full(tasks, 1 / tasks)
    for first, second, third in steps:
        cross = first @ second.T
        scale = np.mean(np.sqrt(np.maximum(np.diag(cross), 0)))
        velocity = np.zeros(tasks)
        for _ in range(iterations if scale > 0 else 0):
            velocity = momentum * velocity + cross / scale**2 @ (point + preference * equal)
            point = batches.projected(point - learning_rate * velocity)
        direction = (third.T @ point + preference * third.mean(axis=0)) / (1 + preference)
        yield direction, (point + preference * equal) / (1 + preference)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("tasks", [2, 5, 20])
@pytest.mark.parametrize(
    "arguments", [{}, {"preference": 0.0, "momentum": 0.0}, {"preference": 2.0, "learning_rate": 0.1, "iterations": 3}]
)
def test_agrees_with_the_algorithm_written_out(arguments, tasks, scale, rng):
    mean = rng.normal(size=(tasks, 9)) * rng.uniform(0.5, 2.0, size=(tasks, 1))
    steps = [scale * batches.noisy(mean, np.full(tasks, 0.3), rng) for _ in range(40)]
    run = batches.runner(SDMGrad(**arguments))
    for step, (direction, weights) in zip(steps, reference(steps, **arguments), strict=True):
        got = run(step)
        np.testing.assert_allclose(got[1], weights, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(got[0], direction, rtol=1e-6, atol=1e-9 * scale)


@pytest.mark.parametrize("preference", [0.0, 0.3, 3.0])
def test_exact_gradients_lead_to_the_shortest_combination_drawn_to_the_mean(preference, rng):
    jacobian = rng.normal(size=(4, 6))
    gram = jacobian @ jacobian.T
    run = batches.runner(SDMGrad(preference, learning_rate=0.2))
    for _ in range(60):
        direction, weights = run(jacobian)
    wanted = batches.least(gram, preference / 4)
    np.testing.assert_allclose(weights, (wanted + preference / 4) / (1 + preference), atol=1e-6)
    np.testing.assert_allclose(direction, jacobian.T @ weights, atol=1e-12)


def test_the_default_steps_settle_where_the_authors_bounce(rng):
    excess = {rate: [] for rate in (0.5, 10.0)}
    balancers = {rate: SDMGrad(0.0, learning_rate=rate) for rate in excess}
    runs = {rate: batches.runner(balancer) for rate, balancer in balancers.items()}
    for _ in range(20):
        jacobian = rng.normal(size=(3, 50)) + 0.3 * rng.normal(size=50)
        gram = jacobian @ jacobian.T
        best = batches.least(gram)
        for rate, found in excess.items():
            weights = runs[rate](jacobian)[1]
            found.append(weights @ gram @ weights / (best @ gram @ best) - 1)
            balancers[rate].point.assign([1 / 3] * 3)
    assert max(excess[0.5]) < 1e-3 and np.median(excess[10.0]) > 0.05


def test_a_batch_without_a_scale_leaves_w(rng):
    matrix = rng.normal(size=(3, 5))
    run = batches.runner(SDMGrad())
    before = run(matrix)[1]
    np.testing.assert_array_equal(run(np.stack([matrix, -matrix, matrix]))[1], before)
    np.testing.assert_array_equal(run(0 * matrix)[1], before)


def test_absent_tasks_numbers_of_tasks_and_degenerate_batches(rng):
    batches.check_modes(SDMGrad, rng)
    batches.check_others_return(SDMGrad, rng)
    gram_cases.check_absent(SDMGrad, rng)


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(SDMGrad(0.5, 0.2, 0.9, 5, every=2, freeze_after=9))
    for arguments in ({"preference": -1}, {"learning_rate": 0}, {"momentum": 1.0}, {"iterations": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            SDMGrad(**arguments)
