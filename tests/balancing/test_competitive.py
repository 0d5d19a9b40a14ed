"""Bandits: the known answer, their laws of drawing and rewarding, and absent tasks."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.balancing import Competitive
from tests.balancing import steps

BOTH = pytest.mark.parametrize("bandit", ["exp3", "thompson"])


@BOTH
@pytest.mark.parametrize(("tasks", "best"), [(3, 0), (5, 3)])
def test_most_draws_go_to_the_task_with_the_best_rewards(bandit, tasks, best):
    balancer = steps.prepared(Competitive(bandit, seed=3), tasks)
    means, present = tf.constant(np.where(np.arange(tasks) == best, 0.9, 0.1)), tf.ones(tasks, "bool")

    @tf.function
    def draw(_):
        drawn = balancer.draw(present)
        balancer.learn(means, tasks * balancer.chances(present), drawn)
        balancer.tick()
        return drawn

    drawn = tf.map_fn(draw, tf.range(1000), fn_output_signature=tf.bool, parallel_iterations=1).numpy()
    assert np.all(drawn.sum(axis=1) == 1)
    assert drawn[:, best].mean() > 0.6
    assert drawn[-300:, best].mean() > 0.8
    if bandit == "exp3":
        assert np.all(drawn.any(axis=0)), "every task is tried"


def test_exp3_is_as_written(rng):
    """Scores and chances of some steps, written out; the draws are the balancer's own."""
    balancer, losses = steps.prepared(Competitive(exploration=0.2, momentum=0.5), 3), rng.exponential(size=(60, 3))
    scores, averages, waiting = np.zeros(3), None, None
    for row in losses:
        powers = np.exp(scores - scores.max())
        chances = 0.8 * powers / powers.sum() + 0.2 / 3
        np.testing.assert_allclose(balancer.chances(tf.ones(3, "bool")), chances, rtol=1e-10)
        drawn = steps.step(balancer, row).argmax()
        if waiting is not None:
            task, chance = waiting
            reward = 0.5 + 0.5 * np.clip(1 - row[task] / averages[task], -1, 1)
            scores[task] += 0.2 * reward / (3 * chance)
        averages = row if averages is None else 0.5 * averages + 0.5 * row
        waiting = drawn, chances[drawn]


def test_exp3_draws_with_its_chances():
    balancer = steps.prepared(Competitive(exploration=0.1), 3)
    balancer.scores.assign(np.log([1.0, 2.0, 5.0]))
    wanted = 0.9 * np.array([1, 2, 5]) / 8 + 0.1 / 3
    present = tf.ones(3, "bool")

    @tf.function
    def draw(_):
        balancer.tick()
        return balancer.draw(present)

    drawn = tf.map_fn(draw, tf.range(2000), fn_output_signature=tf.bool, parallel_iterations=1).numpy()
    np.testing.assert_allclose(drawn.mean(axis=0), wanted, atol=5 * 0.5 / np.sqrt(2000))
    assert abs(np.corrcoef(drawn[1:, 2], drawn[:-1, 2])[0, 1]) < 5 / np.sqrt(2000)


def test_thompson_draws_with_the_chances_that_a_task_is_the_best():
    balancer = steps.prepared(Competitive("thompson"), 3)
    balancer.won.assign([1.0, 4.0, 2.5])
    balancer.lost.assign([1.0, 2.0, 2.5])
    reference = np.random.default_rng(0)
    best = reference.beta([1.0, 4.0, 2.5], [1.0, 2.0, 2.5], size=(100_000, 3)).argmax(axis=1)
    present = tf.ones(3, "bool")

    @tf.function
    def draw(_):
        balancer.tick()
        return balancer.draw(present)

    drawn = tf.map_fn(draw, tf.range(2000), fn_output_signature=tf.bool, parallel_iterations=1).numpy()
    np.testing.assert_allclose(drawn.mean(axis=0), np.bincount(best) / 100_000, atol=5 * 0.5 / np.sqrt(2000))


@BOTH
def test_an_absent_task_is_not_drawn_and_its_reward_waits(bandit, rng):
    balancer = steps.prepared(Competitive(bandit), 3)
    waits = False
    for index, row in enumerate(rng.exponential(size=(40, 3))):
        there = [True, index % 3 == 0, True]
        kept = {path: value[1] for path, value in steps.state(balancer).items() if value.shape == (3,)}
        weights = steps.step(balancer, row, there)
        assert np.count_nonzero(weights) == 1 and weights.sum() == sum(there) and weights[1] * (not there[1]) == 0
        if not there[1]:
            assert all(value[1] == kept[path] for path, value in steps.state(balancer).items() if value.shape == (3,))
            waits |= balancer.waiting.numpy()[1] > 0
    assert waits, "a draw of the task that was absent at the next step"


@BOTH
def test_an_absent_task_leaves_the_others_as_if_it_were_not_there(bandit, rng):
    three, two = steps.prepared(Competitive(bandit), 3), steps.prepared(Competitive(bandit), 2)
    for row in rng.exponential(size=(30, 3)):
        weights = steps.step(three, row, [True, True, False])
        if bandit == "exp3":
            np.testing.assert_array_equal(weights[:2], steps.step(two, row[:2]))
        assert weights[2] == 0


def test_extreme_losses_keep_the_state_finite():
    for bandit in ("exp3", "thompson"):
        balancer = steps.prepared(Competitive(bandit), 3)
        for row in ([0.0, 0.0, 0.0], [1e12, 0.0, 1e-12], [0.0, 1e12, 1e12], [1.0, 1.0, 1.0]) * 3:
            steps.step(balancer, row)
        assert all(np.all(np.isfinite(value)) for value in steps.state(balancer).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bandit": "ucb"}, "'thompson'"),
        ({"exploration": 0}, "above 0"),
        ({"bandit": "thompson", "exploration": 0.1}, "must be None"),
        ({"momentum": 2}, "at most 1"),
        ({"seed": -1}, "at least 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Competitive(**arguments)


@BOTH
def test_common(bandit, rng):
    steps.check(lambda: Competitive(bandit), rng)
