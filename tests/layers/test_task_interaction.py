"""Attention of tasks to each other."""

import numpy as np
import pytest

from mtlzoo.layers import TaskInteraction

TASKS = ("a", "b", "c")


def triple(rng):
    return [rng.normal(size=(5, 3, width)).astype("float32") for width in (4, 4, 6)]


def matrix(q, k):
    powers = np.exp(np.einsum("btd,bsd->bts", q, k) / 2)
    return powers / powers.sum(-1, keepdims=True)


def test_tasks_read_values_by_a_softmax_over_tasks(rng):
    layer, (q, k, v) = TaskInteraction(TASKS), triple(rng)
    np.testing.assert_allclose(layer([q, k, v]), matrix(q, k) @ v, rtol=1e-4, atol=1e-5)
    found = layer.sharing([q, k, v])
    np.testing.assert_allclose(found, matrix(q, k).mean(0), rtol=1e-4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    assert layer.sharing_labels == (TASKS, TASKS) and not layer.weights


def test_large_scores_stay_finite_and_pick_one(rng):
    q, k, v = triple(rng)
    found = np.asarray(TaskInteraction(TASKS)([q * 1e6, k * 1e6, v]))
    best = np.einsum("btd,bsd->bts", q, k).argmax(-1)
    np.testing.assert_allclose(found, np.take_along_axis(v, best[..., None], axis=1), atol=1e-5)


def test_one_task_reads_itself(rng):
    q, k, v = (part[:, :1] for part in triple(rng))
    np.testing.assert_array_equal(TaskInteraction(("a",))([q, k, v]), v)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 4), (3, 4), (2, 6)], r"queries, keys and values, \[batch, 3, ...\] each"),
        ([(3, 4), (3, 5), (3, 6)], "queries and keys of one width"),
        ([(3, 4), (3, 4)], "queries, keys and values"),
    ],
)
def test_shapes_are_checked(shapes, message):
    with pytest.raises(ValueError, match=message):
        TaskInteraction(TASKS)([np.ones((2, *shape), "float32") for shape in shapes])
