"""The staged recipe of STCH against itself written out in NumPy."""

import numpy as np
import pytest

from mtlzoo.balancing import StagedSTCH
from tests.balancing import steps


def reference(epochs, mu, warmup):
    """Weights [epochs, steps, T] for losses [epochs, steps, T]."""
    weights = 1 / epochs
    level = epochs[warmup].mean(axis=0)
    for epoch in range(warmup + 1, len(epochs)):
        for step, losses in enumerate(epochs[epoch]):
            powers = np.exp((np.log(losses / level) - np.log(losses / level).max()) / mu)
            weights[epoch, step] = len(losses) * powers / powers.sum() / losses
    return weights


def run(balancer, epochs, present=None):
    got = []
    for number, epoch in enumerate(epochs):
        balancer.start_epoch(number)
        got.append(steps.run(balancer, epoch, None if present is None else present[number]))
        balancer.end_epoch()
    return np.array(got)


@pytest.mark.parametrize(("tasks", "mu", "warmup"), [(1, 1.0, 4), (3, 1.0, 4), (3, 0.2, 0), (3, 5.0, 1), (64, 1.0, 2)])
def test_agrees_with_the_recipe_written_out(tasks, mu, warmup, rng):
    epochs = rng.uniform(0.5, 2, size=(6, 3, tasks)) * 10.0 ** rng.uniform(-12, 12, tasks)
    got = run(steps.prepared(StagedSTCH(mu, warmup), tasks), epochs)
    np.testing.assert_allclose(got, reference(epochs, mu, warmup), rtol=1e-10)


def test_weighted_losses_sum_to_the_number_of_tasks_and_units_do_not_matter(rng):
    epochs, units = rng.uniform(0.5, 2, size=(4, 2, 3)), np.array([1e-9, 1.0, 1e9])
    one = run(steps.prepared(StagedSTCH(warmup=1), 3), epochs)
    np.testing.assert_allclose((one * epochs).sum(axis=-1), 3, rtol=1e-12)
    np.testing.assert_allclose(run(steps.prepared(StagedSTCH(warmup=1), 3), epochs * units) * units, one, rtol=1e-10)


def test_a_task_without_labels_in_the_epoch_of_the_level_takes_it_later(rng):
    epochs = rng.uniform(0.5, 2, size=(4, 3, 3))
    present = [[True] * 3, [True, False, True], [True] * 3, [True] * 3]
    balancer, two = steps.prepared(StagedSTCH(warmup=1), 3), steps.prepared(StagedSTCH(warmup=1), 2)
    got, others = run(balancer, epochs, present), run(two, epochs[..., [0, 2]])
    np.testing.assert_allclose(got[:3][..., [0, 2]], others[:3], rtol=1e-12)
    np.testing.assert_allclose(got[2, :, 1], 1 / epochs[2, :, 1], rtol=1e-12)
    level = np.array([epochs[1, :, 0].mean(), epochs[2, :, 1].mean(), epochs[1, :, 2].mean()])
    relative = epochs[3] / level
    np.testing.assert_allclose(got[3], 3 * relative / relative.sum(axis=1, keepdims=True) / epochs[3], rtol=1e-10)


def test_losses_of_zero_get_no_weight_and_leave_the_others():
    balancer = steps.prepared(StagedSTCH(warmup=0), 3)
    run(balancer, np.ones((1, 2, 3)))
    np.testing.assert_allclose(steps.weights_of(balancer, [2.0, 0.0, 2.0]), [0.75, 0.0, 0.75], rtol=1e-12)
    np.testing.assert_array_equal(steps.weights_of(balancer, [0.0, 0.0, 0.0]), np.zeros(3))


@pytest.mark.parametrize(("arguments", "message"), [({"mu": 0}, "above 0"), ({"warmup": -1}, "at least 0")])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StagedSTCH(**arguments)


def test_common(rng):
    steps.check(StagedSTCH, rng)
    steps.check_absent(StagedSTCH, rng)
