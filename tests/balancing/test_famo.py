"""FAMO against algorithm 1 written out in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, architectures, trunks
from mtlzoo.balancing import FAMO
from tests.balancing import steps


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def reference(before, after, minimum, learning_rate=0.025, decay=1e-3):
    """The weights before each step."""
    old, new = (values - minimum + 1e-8 for values in (before, after))

    def gradient(step, logits):
        shares, fall = softmax(logits), np.log(old[step]) - np.log(new[step])
        jacobian = np.diag(shares) - np.outer(shares, shares)
        return jacobian.T @ fall + decay * logits

    logits = steps.adam(gradient, np.zeros(before.shape[1]), len(before), learning_rate, 1e-8)
    weights = np.array([softmax(logit) / row for logit, row in zip(logits, old, strict=False)])
    return weights / weights.sum(axis=1, keepdims=True)


def run(balancer, before, after, present=None):
    got = []
    for losses, new in zip(before, after, strict=True):
        got.append(steps.step(balancer, losses, present))
        there = tf.ones(len(losses), "bool") if present is None else tf.constant(present)
        balancer.look_again(tf.constant(losses), tf.constant(new), there)
    return np.array(got)


@pytest.mark.parametrize("tasks", [1, 3, 64])
def test_agrees_with_the_paper_written_out(tasks, rng):
    units = 10.0 ** rng.uniform(-3, 6, tasks)
    minimum = rng.normal(size=tasks) * units
    before, after = (minimum + units * rng.uniform(0.5, 2, size=(30, tasks)) for _ in range(2))
    got = run(steps.prepared(FAMO(minimum=minimum.tolist()), tasks), before, after)
    np.testing.assert_allclose(got, reference(before, after, minimum), rtol=1e-4)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-12)


def test_the_first_weights_are_those_of_log_losses(rng):
    losses = 10.0 ** rng.uniform(-3, 12, 5)
    weights = steps.weights_of(steps.prepared(FAMO(), 5), losses)
    np.testing.assert_allclose(weights, (1 / (losses + 1e-8)) / np.sum(1 / (losses + 1e-8)), rtol=1e-10)


def test_a_task_that_falls_more_loses_weight_and_units_do_not_matter():
    one, other = steps.prepared(FAMO(), 2), steps.prepared(FAMO(), 2)
    before, after = np.full((50, 2), 1e3), np.tile([500.0, 990.0], (50, 1))
    weights = run(one, before, after)
    assert np.all(np.diff(weights[:, 0]) < 0)
    scaled = run(other, before * [1.0, 1e6], after * [1.0, 1e6])
    np.testing.assert_allclose(scaled[:, 1] / scaled[:, 0] * 1e6, weights[:, 1] / weights[:, 0], rtol=1e-4)


def test_equal_falls_change_nothing():
    balancer = steps.prepared(FAMO(decay=0), 3)
    weights = run(balancer, np.full((5, 3), 2.0), np.full((5, 3), 1.0))
    np.testing.assert_allclose(weights, 1 / 3, rtol=1e-6)


def test_fit_looks_at_the_same_batch_after_the_step(rng):
    balancer = FAMO(learning_rate=0.5, decay=0)
    tasks = [Task.regression("price"), Task.regression("size")]
    model = architectures.hard_sharing((6,), tasks, trunk=trunks.mlp((4,)), seed=0, optimizer=keras.optimizers.SGD(0.1), balancer=balancer)
    x, y = rng.normal(size=(16, 6)), {"price": 3 * rng.normal(size=16), "size": rng.normal(size=16)}

    def losses():
        logs = model.evaluate(x, y, verbose=0, return_dict=True)
        return np.array([[logs["price_loss"], logs["size_loss"]]])

    before = losses()
    first = steps.weights_of(balancer, before[0])
    logs = model.train_on_batch(x, y, return_dict=True)
    np.testing.assert_allclose([logs["price_weight"], logs["size_weight"]], first, rtol=1e-5)
    fall = np.log(before) - np.log(losses())
    # Adam's first step has the length of the learning rate; z⊙(δ − zᵀδ) is above 0 for the task that fell more.
    np.testing.assert_allclose(balancer.logits.numpy(), np.where(fall[0] > fall.mean(), -0.5, 0.5), rtol=1e-4)


def test_an_absent_task_leaves_the_others_and_keeps_its_state(rng):
    before, after = rng.exponential(size=(2, 8, 3))
    three, two = steps.prepared(FAMO(), 3), steps.prepared(FAMO(), 2)
    run(three, before[:3], after[:3])
    for variable in (three.logits, *three.optimizer.variables):
        if variable.shape == (3,):
            matching = next(v for v in (two.logits, *two.optimizer.variables) if v.path == variable.path)
            matching.assign(variable.numpy()[[0, 2]])
    two.optimizer.iterations.assign(three.optimizer.iterations)
    kept = steps.state(three)
    got = run(three, before[3:], after[3:], [True, False, True])
    np.testing.assert_allclose(got[:, [0, 2]], run(two, before[3:][:, [0, 2]], after[3:][:, [0, 2]]), rtol=1e-6)
    assert np.all(got[:, 1] == 0)
    assert all(value[1] == kept[path][1] for path, value in steps.state(three).items() if value.shape == (3,))


@pytest.mark.parametrize(
    ("arguments", "message"), [({"learning_rate": 0}, "above 0"), ({"decay": -1}, "at least 0"), ({"minimum": []}, "every task")]
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FAMO(**arguments)
    with pytest.raises(ValueError, match="each of 3 tasks"):
        FAMO(minimum=[0.0, 1.0]).set_tasks(["regression"] * 3)


def test_common(rng):
    steps.check(FAMO, rng)
    steps.check_absent(FAMO, rng)
