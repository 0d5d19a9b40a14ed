"""Learnt tokens of tasks."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import TaskTokens


def test_tokens_stand_in_front_and_are_the_same_for_every_row(rng):
    layer, x = TaskTokens(("a", "b")), rng.normal(size=(5, 3, 4)).astype("float32")
    found = np.asarray(layer(x))
    np.testing.assert_array_equal(found[:, 2:], x)
    np.testing.assert_array_equal(found[:, :2], np.broadcast_to(layer.tokens.numpy(), (5, 2, 4)))
    assert not np.allclose(*layer.tokens.numpy())


def test_masks_say_that_tasks_are_there():
    layer, mask = TaskTokens(("a", "b")), keras.ops.array([[True, False], [False, False]])
    assert layer.compute_mask(None, mask).numpy().tolist() == [[True, True, True, False], [True, True, False, False]]
    assert layer.compute_mask(None, None) is None


def test_a_seed_decides_by_task():
    def tokens(tasks, seed):
        layer = TaskTokens(tasks, seed=seed)
        layer.build((None, 3, 4))
        return dict(zip(tasks, layer.tokens.numpy(), strict=True))

    np.testing.assert_array_equal(tokens(("a", "b"), 1)["b"], tokens(("b", "c"), 1)["b"])
    assert not np.array_equal(tokens(("a",), 1)["a"], tokens(("a",), 2)["a"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TaskTokens(()), "`tasks` must be at least one name"),
        (lambda: TaskTokens(("a",), slices="all"), "`slices`"),
        (lambda: TaskTokens(("a",))(np.ones((3, 4))), r"must be \[batch, tokens, width\]"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
