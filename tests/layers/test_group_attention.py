"""Weights of tasks on groups of features."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import GroupAttention


def made(**arguments):
    return GroupAttention(("a", "b"), ("x", "y"), 2, **{"seed": 0, **arguments})


def keys(rng, rows=7, groups=6):
    return rng.normal(size=(rows, groups, 5)).astype("float32")


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_weights_are_softmaxes_over_shared_groups_and_the_task_s_own(temperature, rng):
    layer, k = made(temperature=temperature), keys(rng)
    found = np.asarray(layer(k))
    for task, places in enumerate([[0, 1, 2, 3], [0, 1, 4, 5]]):
        powers = np.exp(k[:, places] @ layer.queries.numpy()[task] / np.sqrt(5) / temperature)
        np.testing.assert_allclose(found[:, task][:, places], powers / powers.sum(-1, keepdims=True), rtol=1e-4)
    assert np.all(found[:, 0, 4:] == 0) and np.all(found[:, 1, 2:4] == 0)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


def test_no_temperature_picks_the_best_group_and_little_nearly_does(rng):
    k = keys(rng)
    picked, nearly, soft = (np.asarray(made(temperature=temperature)(k)) for temperature in (0, 1e-6, 1))
    assert set(np.unique(picked)) == {0.0, 1.0} and np.all(picked.sum(-1) == 1)
    np.testing.assert_array_equal(picked.argmax(-1), soft.argmax(-1))
    np.testing.assert_allclose(nearly, picked, atol=1e-4)


def test_queries_learn_at_no_temperature_as_at_temperature_one(rng):
    k, read = keys(rng), rng.normal(size=(7, 2, 6)).astype("float32")

    def gradient(temperature):
        layer = made(temperature=temperature)
        layer.build(k.shape)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(k) * read)
        return tape.gradient(loss, layer.queries.value)

    np.testing.assert_allclose(gradient(0), gradient(1), rtol=1e-5)
    assert np.abs(gradient(0)).min() > 0


@pytest.mark.parametrize("scale", [0.0, 1e4, 1e18])
def test_finite_at_any_scale(scale, rng):
    for temperature in (0, 1e-6, 1):
        found = np.asarray(made(temperature=temperature)(keys(rng) * np.float32(scale)))
        np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


def test_sharing_shows_shared_groups_and_the_own_ones(rng):
    layer, k = made(), keys(rng)
    weights = np.asarray(layer(k)).mean(0)
    np.testing.assert_allclose(layer.sharing(k), [weights[0, [0, 1, 2, 3]], weights[1, [0, 1, 4, 5]]], rtol=1e-6)
    assert layer.sharing_labels == (("a", "b"), ("x", "y", "private0", "private1"))
    assert GroupAttention(("a",), ("x",)).sharing_labels == (("a",), ("x", "private"))


def test_a_seed_decides_by_task(rng):
    def queries(tasks, seed):
        layer = GroupAttention(tasks, ("x",), seed=seed)
        layer.build((None, 3, 5))
        return dict(zip(tasks, layer.queries.numpy(), strict=True))

    np.testing.assert_array_equal(queries(("a", "b"), 1)["b"], queries(("b", "c"), 1)["b"])
    assert not np.array_equal(queries(("a", "b"), 1)["a"], queries(("a", "b"), 2)["a"])
    free = queries(("a", "b"), None)
    assert not np.array_equal(free["a"], free["b"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made(temperature=-1), "`temperature` must be a finite number at least 0"),
        (lambda: made(temperature=1e-9), "`temperature` must be 0, or at least 1e-06"),
        (lambda: GroupAttention(("a",), ()), "`shared` must be at least one name"),
        (lambda: GroupAttention(("a",), ("x",), 0), "`private`"),
        (lambda: made()(np.ones((2, 5, 4))), r"keys \[batch, 6, width\] of 2 shared groups and 2 of each of 2 tasks"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
