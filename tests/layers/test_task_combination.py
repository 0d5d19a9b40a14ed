"""Gates between a task's own features and those that it read."""

import numpy as np
import pytest

from mtlzoo.layers import TaskCombination


def pair(rng):
    return [rng.normal(size=(5, 2, 3)).astype("float32") for _ in range(2)]


def test_gates_are_sigmoids_of_both_features_by_task(rng):
    layer, (own, read) = TaskCombination(("a", "b")), pair(rng)
    layer([own, read])
    kernel, bias = rng.normal(size=(2, 6)), rng.normal(size=2)
    layer.set_weights([kernel, bias])
    gates = 1 / (1 + np.exp(-np.einsum("btf,tf->bt", np.concatenate([own, read], -1), kernel) - bias))[..., None]
    np.testing.assert_allclose(layer([own, read]), gates * own + (1 - gates) * read, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.sharing([own, read]), np.concatenate([gates, 1 - gates], -1).mean(0), rtol=1e-4)
    assert layer.sharing_labels == (("a", "b"), ("own", "read"))


@pytest.mark.parametrize("own", [0.001, 0.5, 0.9])
def test_the_gate_starts_as_asked(own, rng):
    layer, inputs = TaskCombination(("a", "b"), own=own), pair(rng)
    layer(inputs)
    np.testing.assert_allclose(layer.gates(inputs), np.full((5, 2, 1), own), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TaskCombination(("a",), own=1.0), "`own` must be a finite number at least 0.001 and at most 0.999"),
        (lambda: TaskCombination(("a",), slices="all"), "`slices`"),
        (lambda: TaskCombination(("a", "b"))([np.ones((4, 2, 3)), np.ones((4, 2, 5))]), r"\[batch, 2, features\] each"),
        (lambda: TaskCombination(("a", "b"))([np.ones((4, 3, 3)), np.ones((4, 3, 3))]), r"\[batch, 2, features\] each"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
