"""DWA against the paper written out in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, architectures, trunks
from mtlzoo.balancing import DWA
from tests.balancing import steps


def reference(epochs, temperature):
    """Weights of each epoch for losses [epochs, steps, T]."""
    means, weights = epochs.mean(axis=1), []
    for epoch in range(len(means)):
        ratios = means[epoch - 1] / means[epoch - 2] if epoch >= 2 else np.ones(means.shape[1])
        powers = np.exp(ratios / temperature - (ratios / temperature).max())
        weights.append(means.shape[1] * powers / powers.sum())
    return np.array(weights)


@pytest.mark.parametrize(("tasks", "temperature"), [(1, 2.0), (3, 2.0), (3, 0.1), (64, 2.0)])
def test_agrees_with_the_paper_written_out(tasks, temperature, rng):
    epochs = rng.exponential(size=(6, 5, tasks)) * 10.0 ** rng.uniform(-12, 12, tasks)
    balancer, got = steps.prepared(DWA(temperature), tasks), []
    for number, epoch in enumerate(epochs):
        balancer.start_epoch(number)
        weights = steps.run(balancer, epoch)
        balancer.end_epoch()
        np.testing.assert_array_equal(weights, weights[:1].repeat(5, axis=0))
        got.append(weights[0])
    wanted = reference(epochs, temperature)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)
    np.testing.assert_array_equal(got[:2], np.ones((2, tasks)))
    np.testing.assert_allclose(np.sum(got, axis=1), tasks, rtol=1e-12)


def test_the_units_of_a_loss_do_not_matter(rng):
    epochs, one, other = rng.exponential(size=(4, 3, 3)), steps.prepared(DWA(), 3), steps.prepared(DWA(), 3)
    for epoch in epochs:
        np.testing.assert_allclose(steps.run(one, epoch), steps.run(other, epoch * [1e-12, 1.0, 1e12]), rtol=1e-10)
        one.end_epoch()
        other.end_epoch()


def test_a_task_without_labels_in_an_epoch_keeps_its_means_and_leaves_the_others(rng):
    three, two = steps.prepared(DWA(), 3), steps.prepared(DWA(), 2)
    for number, epoch in enumerate(rng.exponential(size=(6, 4, 3))):
        # The middle task has no labels in the third epoch, and some in the others.
        present = [[True, number != 2 and index % 2 == 0, True] for index in range(4)]
        for row, there in zip(epoch, present, strict=True):
            weights, wanted = steps.step(three, row, there), steps.step(two, row[[0, 2]])
            if not there[1]:
                np.testing.assert_allclose(weights[[0, 2]], wanted, rtol=1e-12)
                assert weights[1] == 0
        kept = three.newer.numpy()[1], three.older.numpy()[1]
        three.end_epoch()
        two.end_epoch()
        if number == 2:
            assert (three.newer.numpy()[1], three.older.numpy()[1]) == kept
        else:
            np.testing.assert_allclose(three.newer.numpy()[1], epoch[::2, 1].mean(), rtol=1e-12)


def test_losses_of_zero_give_finite_weights():
    balancer = steps.prepared(DWA(), 2)
    for losses in ([0.0, 1.0], [1e12, 1.0], [0.0, 1e-12], [0.0, 1e12]):
        assert np.all(np.isfinite(steps.step(balancer, losses)))
        balancer.end_epoch()
    assert np.all(np.isfinite(steps.weights_of(balancer, [1.0, 1.0])))


def test_fit_moves_the_epochs_on(rng):
    balancer = DWA()
    tasks = [Task.regression("price"), Task.regression("size")]
    model = architectures.hard_sharing((6,), tasks, trunk=trunks.mlp((4,)), seed=0, balancer=balancer)
    y = {"price": rng.normal(size=32), "size": rng.normal(size=32)}
    history = model.fit(rng.normal(size=(32, 6)), y, batch_size=16, epochs=4, verbose=0, shuffle=False).history
    ratios = [np.array([history[f"{name}_loss"][i - 1] / history[f"{name}_loss"][i - 2] for name in y]) for i in (2, 3)]
    wanted = [2 * np.exp(r / 2) / np.exp(r / 2).sum() for r in ratios]
    got = np.array([history["price_weight"], history["size_weight"]]).T
    np.testing.assert_allclose(got[:2], 1.0)
    np.testing.assert_allclose(got[2:], wanted, rtol=1e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`temperature`.*above 0"):
        DWA(0)


def test_common(rng):
    steps.check(DWA, rng)
    steps.check_absent(DWA, rng)
    assert tf.is_tensor(steps.prepared(DWA(), 2)(tf.ones(2), tf.ones(2, "bool")))
