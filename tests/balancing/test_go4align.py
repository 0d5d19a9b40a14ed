"""GO4Align against the authors' steps written out, with k-means by trying all groupings."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.balancing import GO4Align, _clusters
from tests.balancing import steps


def best_grouping(values, groups):
    """The means of the best of all assignments of values to groups, and its cost."""
    best = None
    for labels in itertools.product(range(groups), repeat=len(values)):
        labels = np.array(labels)
        means = np.array([values[labels == label].mean() for label in labels])
        cost = np.sum((values - means) ** 2)
        if best is None or cost < best[1]:
            best = means, cost
    return best


def reference(rows, groups, step_size):
    chances, weights = np.full(rows.shape[1], 1 / rows.shape[1]), []
    for losses in rows:
        scale = losses.sum() / losses
        chances = chances * np.exp(-step_size * losses)
        chances = chances / chances.sum()
        weights.append(best_grouping(scale * chances, groups)[0])
    return np.array(weights)


@pytest.mark.parametrize(("tasks", "groups", "step_size"), [(1, 2, 1e-4), (4, 1, 1e-4), (4, 2, 1e-4), (5, 3, 0.1), (4, 4, 0.05)])
def test_agrees_with_the_authors_steps_written_out(tasks, groups, step_size, rng):
    rows = rng.exponential(size=(8, tasks)) * 10.0 ** rng.uniform(-2, 2, tasks)
    got = steps.run(steps.prepared(GO4Align(groups, step_size), tasks), rows)
    np.testing.assert_allclose(got, reference(rows, groups, step_size), rtol=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_groups_are_the_best_of_all(groups, scale, rng):
    for _ in range(3):
        values = scale * rng.exponential(size=5) ** 3
        got = _clusters.means(tf.constant(values), tf.ones(5, "bool"), groups).numpy()
        wanted, cost = best_grouping(values, groups)
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
        assert len(np.unique(got)) <= groups and np.sum((values - got) ** 2) <= cost * (1 + 1e-9) + 1e-28 * values.max() ** 2


def test_absent_values_take_no_part_in_the_groups(rng):
    values, counts = rng.exponential(size=7), np.array([True, False, True, True, False, True, True])
    got = _clusters.means(tf.constant(values), tf.constant(counts), 2).numpy()
    np.testing.assert_allclose(got[counts], _clusters.means(tf.constant(values[counts]), tf.ones(5, "bool"), 2), rtol=1e-14)
    np.testing.assert_array_equal(got[~counts], 0.0)
    np.testing.assert_array_equal(_clusters.means(tf.constant(values), tf.zeros(7, "bool"), 2), np.zeros(7))


def test_many_tasks_far_apart_are_told_apart():
    values = np.concatenate([np.full(30, 1e-6), np.full(20, 1.0), np.full(14, 1e6)])
    order = np.random.default_rng(1).permutation(64)
    got = _clusters.means(tf.constant(values[order]), tf.ones(64, "bool"), 3).numpy()
    np.testing.assert_allclose(got, values[order], rtol=1e-9)


def test_as_many_groups_as_tasks_weigh_scaled_losses_alike_at_first(rng):
    losses = 10.0 ** rng.uniform(-3, 3, 6)
    weights = steps.weights_of(steps.prepared(GO4Align(groups=6, step_size=0), 6), losses)
    np.testing.assert_allclose(weights * losses, losses.sum() / 6, rtol=1e-12)


def test_losses_of_zero_and_large_sums_stay_finite():
    balancer = steps.prepared(GO4Align(), 3)
    assert steps.step(balancer, [0.0, 1.0, 2.0])[0] == 0
    for row in ([1e12, 1e-12, 1.0], [0.0, 0.0, 0.0], [1e12, 1e12, 1e-12]) * 5:
        assert np.all(np.isfinite(steps.step(balancer, row).astype("float32")))


@pytest.mark.parametrize(("arguments", "message"), [({"groups": 0}, "at least 1"), ({"step_size": -1}, "at least 0")])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GO4Align(**arguments)


def test_common(rng):
    steps.check(GO4Align, rng)
    steps.check_absent(GO4Align, rng)
