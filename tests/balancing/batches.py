"""How the tests of balancers of several batches drive them."""

import numpy as np
import tensorflow as tf


def runner(balancer):
    """Returns one step in a graph as a function of J₁, J₂, J₃ [3, T, d] and presence [T], which gives direction and weights."""
    combine = tf.function(balancer.combine)

    def run(batches, present=None):
        tasks = np.shape(batches)[-2]
        if balancer.kinds is None:
            balancer.set_tasks(["regression"] * tasks)
        present = tf.ones(tasks, "bool") if present is None else tf.constant(present)
        direction, weights = combine(tf.ones(tasks, "float64"), present, tf.constant(batches, "float64"))
        return direction.numpy(), weights.numpy()

    return run


def weights_of(balancer, steps):
    """The weights [n, T] for the Jacobians of n steps [n, 3, T, d], in one graph."""
    balancer.set_tasks(["regression"] * steps.shape[2])
    losses, present = tf.ones(steps.shape[2], "float64"), tf.ones(steps.shape[2], "bool")
    one = tf.function(lambda rows: tf.map_fn(lambda step: balancer.combine(losses, present, step)[1], rows, parallel_iterations=1))
    return one(tf.constant(steps, "float64")).numpy()


def projected(values):
    """The nearest point of the simplex, by the sorted values."""
    values = np.asarray(values) - np.max(values)
    falling = np.sort(values)[::-1]
    for count in range(len(values), 0, -1):
        threshold = (np.sum(falling[:count]) - 1) / count
        if falling[count - 1] > threshold:
            return np.maximum(values - threshold, 0)
    raise AssertionError("one entry is always above its threshold")


def noisy(mean, noise, rng):
    """Three independent Jacobians around `mean` [T, d], with `noise` [T] in all entries of a row."""
    return mean + np.asarray(noise)[:, None] * rng.normal(size=(3, *np.shape(mean)))


def least(gram, pull=0.0):
    """The point w of the simplex with the least (w + pull)ᵀG(w + pull), by projected steps until they end."""
    weights, step = np.full(len(gram), 1 / len(gram)), 1 / np.linalg.eigvalsh(gram)[-1]
    for _ in range(20000):
        before, weights = weights, projected(weights - step * gram @ (weights + pull))
        if np.max(np.abs(weights - before)) < 1e-14:
            break
    return weights


def check_modes(make, rng):
    """Absent tasks keep their state and change nothing; one matrix stands for three; any number of tasks; degenerate batches."""
    full, fewer = make(), make()
    run, run_fewer = runner(full), runner(fewer)
    for _ in range(5):
        batches = rng.normal(size=(3, 4, 6)) * [[0.1], [1.0], [2.0], [1.0]]
        weights = run(batches, [True, False, True, True])[1]
        assert weights[1] == 0
        np.testing.assert_allclose(weights[[0, 2, 3]], run_fewer(batches[:, [0, 2, 3]])[1], rtol=1e-9)
        np.testing.assert_allclose(full.point.numpy().sum(), 1, rtol=1e-12)
    assert full.point.numpy()[1] == 0.25
    before = full.point.numpy()
    assert np.all(np.isfinite(run(batches, [False] * 4)[1]))
    np.testing.assert_array_equal(full.point.numpy(), before)
    matrix = rng.normal(size=(3, 5))
    np.testing.assert_array_equal(runner(make())(matrix)[1], runner(make())(np.stack([matrix] * 3))[1])
    for tasks in (1, 64):
        run = runner(make())
        for _ in range(3):
            np.testing.assert_allclose(run(rng.normal(size=(3, tasks, 9)))[1].sum(), 1, rtol=1e-12)
    run, matrix = runner(make()), rng.normal(size=(3, 5))
    for batches in (0 * matrix, matrix, np.stack([matrix, -matrix, matrix]), matrix[[0, 0, 1]], [1e12, 1, 1e-12] * matrix[:, :3]):
        assert np.all(np.isfinite(run(batches if batches.ndim == 2 else batches)[1]))


def check_others_return(make, rng):
    """A task that took everything and is then absent leaves the others with equal parts to go on from, and comes back."""
    balancer = make()
    run = runner(balancer)
    run(rng.normal(size=(3, 3, 5)))
    balancer.point.assign([1.0, 0.0, 0.0])
    batches = 1e-6 * rng.normal(size=(3, 3, 5))
    for _ in range(3):
        weights = run(batches, [False, True, True])[1]
        assert weights[0] == 0 and np.isclose(weights.sum(), 1)
    weights = run(batches)[1]
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
