"""The trimmed mean against sorting each entry."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import TrimmedMean, aggregate
from tests import helpers
from tests.balancing import gram_cases

CASES = gram_cases.cases() | gram_cases.dependent()


def reference(jacobian, trim):
    """Sorts each column, cuts both ends, takes the mean."""
    cut = min(trim, (len(jacobian) - 1) // 2)
    return np.sort(jacobian, axis=0)[cut : len(jacobian) - cut].mean(axis=0)


@pytest.mark.parametrize("trim", [0, 1, 2, 5])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_sorting(name, trim):
    jacobian = CASES[name]
    direction, weights = aggregate(TrimmedMean(trim), jacobian)
    assert gram_cases.error(direction, reference(jacobian, trim), gram_cases.largest(jacobian)) < 1e-14
    assert weights is None


def test_entries_that_are_alike_count_once_each(rng):
    jacobian = rng.integers(-1, 2, size=(6, 300)).astype("float64")
    for trim in (1, 2):
        np.testing.assert_allclose(gram_cases.direction(TrimmedMean(trim), jacobian), reference(jacobian, trim), atol=1e-15)


def test_known_answers(rng):
    jacobian = rng.normal(size=(5, 9))
    np.testing.assert_allclose(gram_cases.direction(TrimmedMean(0), jacobian), jacobian.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(gram_cases.direction(TrimmedMean(99), jacobian), np.median(jacobian, axis=0), rtol=1e-12)
    np.testing.assert_allclose(gram_cases.direction(TrimmedMean(99), jacobian[:4]), np.median(jacobian[:4], axis=0), rtol=1e-12)
    np.testing.assert_array_equal(gram_cases.direction(TrimmedMean(3), jacobian[:1]), jacobian[0])


@pytest.mark.parametrize("trim", [1, 2])
def test_tasks_that_are_wrong_cannot_move_an_entry_beyond_the_others(trim, rng):
    honest = rng.normal(size=(5, 30))
    for size in (1e3, 1e12, 1e300):
        jacobian = np.vstack([size * rng.choice([-1, 1], size=(trim, 30)), honest])
        found = gram_cases.direction(TrimmedMean(trim), jacobian)
        assert np.all(found >= honest.min(axis=0)) and np.all(found <= honest.max(axis=0))


@pytest.mark.parametrize("traced", [False, True])
def test_absent_tasks_do_not_count(traced, rng):
    balancer = TrimmedMean(2)
    balancer.set_tasks(["regression"] * 7, [8])

    def one(jacobian, present):
        found = balancer.direct(tf.ones(7), present, [jacobian])
        return tf.linalg.matvec(found.rows[0], tf.cast(found.factors, jacobian.dtype), transpose_a=True)

    function = tf.function(one) if traced else one
    for left in (7, 5, 4, 2, 1):
        jacobian, order = rng.normal(size=(7, 8)), rng.permutation(7)
        jacobian[left:] *= 1e9
        found = function(tf.constant(jacobian[order], "float32"), tf.constant((np.arange(7) < left)[order]))
        np.testing.assert_allclose(found, reference(jacobian[:left], 2), rtol=1e-5, atol=1e-6)


def test_a_model_moves_by_it_and_alphas_multiply_what_is_left(rng):
    tasks = [Task.regression(name, alpha=alpha) for name, alpha in (("a", 1.0), ("b", 0.5), ("c", 2.0))]
    model = mtlzoo.architectures.hard_sharing((4,), tasks, trunk=trunks.mlp((3,)), seed=0)
    model.compile(keras.optimizers.SGD(1.0), balancer="trimmed_mean")
    x, y = rng.normal(size=(16, 4)).astype("float32"), helpers.labels_for(tasks, 16, rng)
    kernel = next(v for v in model.trainable_variables if v.path.endswith("kernel"))
    with tf.GradientTape(persistent=True) as tape:
        losses, _ = model.task_losses(*model.task_losses.pick(y, model(x, training=True), None))
        losses = tf.unstack(losses)
    rows = np.array([tape.gradient(loss, kernel.value).numpy() for loss in losses])
    middle = np.argsort(rows, axis=0)[1]
    wanted = np.median(rows, axis=0) * np.array([1.0, 0.5, 2.0])[middle]
    before = kernel.numpy().copy()
    logs = model.train_on_batch(x, y, return_dict=True)
    np.testing.assert_allclose(before - kernel.numpy(), wanted, atol=1e-6)
    assert not [key for key in logs if key.endswith("_weight")]


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(TrimmedMean(3))
    with pytest.raises(ValueError, match="`trim`"):
        TrimmedMean(-1)
    for argument in ("every", "freeze_after"):
        with pytest.raises(TypeError, match=argument):
            TrimmedMean(**{argument: 2})
