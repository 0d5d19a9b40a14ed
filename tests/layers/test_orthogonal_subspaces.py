"""Orthogonality between subspaces of channels, as a penalty."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.layers import OrthogonalSubspaces, stacked


def by_hand(kernels, channels, subspaces):
    """Σ ‖G_iᵀG_j‖² over copies and pairs of subspaces, loop by loop."""
    total = 0.0
    for kernel in kernels:
        parts = np.split(np.asarray(kernel, "float64").reshape(-1, channels), subspaces, axis=1)
        total += sum(np.linalg.norm(one.T @ other) ** 2 for one, other in itertools.combinations(parts, 2))
    return total


CASES = [
    (layers.Dense(6), (1, 5)),
    (layers.Conv1D(6, 3), (2, 5, 3)),
    (layers.Conv2D(6, 3), (2, 5, 5, 3)),
    (layers.LSTM(6), (2, 5, 3)),
]


@pytest.mark.parametrize("subspaces", [1, 2, 3])
@pytest.mark.parametrize(("single", "shape"), CASES)
def test_the_penalty_is_that_of_the_kernels_columns(single, shape, subspaces, rng):
    inner = stacked(single, ("a", "b"))
    layer = OrthogonalSubspaces([inner, stacked(layers.ReLU(), ("a", "b"))], subspaces=subspaces, strength=0.5)
    x = rng.normal(size=(4, *shape)).astype("float32")
    np.testing.assert_allclose(layer(x), np.maximum(inner(x), 0), atol=1e-6)
    kernels = [inner.copy_weights(copy)[1 if isinstance(single, layers.LSTM) else 0] for copy in ("a", "b")]
    np.testing.assert_allclose(layer.losses, [0.5 * by_hand(kernels, 6, subspaces)], rtol=1e-4, atol=1e-7)


def test_descent_makes_subspaces_orthogonal():
    inner = stacked(layers.Dense(4), ("a", "b"))
    x = keras.Input((1, 8))
    model = keras.Model(x, OrthogonalSubspaces([inner], strength=1.0)(x))
    model.compile(keras.optimizers.SGD(0.05), loss=lambda y, p: 0.0 * p)
    data, labels = np.ones((300, 1, 8), "float32"), np.ones((300, 2, 4), "float32")
    before = model.evaluate(data, labels, batch_size=300, verbose=0)
    model.fit(data, labels, batch_size=2, verbose=0)
    assert before > 0.05 and model.evaluate(data, labels, batch_size=300, verbose=0) < 1e-4 * before
    assert np.linalg.norm(inner.kernel) > 1, "the columns are turned, not shrunk away"


def test_what_has_no_trained_kernel_adds_no_penalty():
    frozen = stacked(layers.Dense(4, trainable=False), ("a", "b"))
    for inner in (stacked(layers.LayerNormalization(), ("a", "b")), frozen):
        layer = OrthogonalSubspaces([inner])
        layer(np.ones((3, 1, 4), "float32"))
        assert layer.kernel() is None and [float(loss) for loss in layer.losses] == [0.0]


def test_no_strength_adds_no_loss():
    layer = OrthogonalSubspaces([stacked(layers.Dense(4), 2)], strength=0)
    layer(np.ones((3, 1, 4), "float32"))
    assert layer.losses == [] and layer.reports_loss


def test_short_numbers_are_not_used_for_the_penalty():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        inner = stacked(layers.Dense(4), ("a", "b"))
        x = keras.Input((1, 8))
        model = keras.Model(x, OrthogonalSubspaces([inner], strength=1.0)(x))
    finally:
        keras.config.set_dtype_policy("float32")
    inner.kernel.assign(300 * np.ones(inner.kernel.shape))
    assert model(np.ones((3, 1, 8), "float32")).dtype == model.output.dtype == "float16"
    np.testing.assert_allclose(model.losses, [by_hand(inner.kernel.numpy(), 4, 2)], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: OrthogonalSubspaces([]), ValueError, "`layers` must be at least one"),
        (lambda: OrthogonalSubspaces([layers.Dense(3)]), TypeError, "`layers` must be stacked layers"),
        (lambda: OrthogonalSubspaces([stacked(layers.Dense(3), 2), stacked(layers.ReLU(), 3)]), ValueError, "all of the same copies"),
        (lambda: OrthogonalSubspaces([stacked(layers.Dense(3), 2)], strength=-1), ValueError, "`strength`"),
        (lambda: OrthogonalSubspaces([stacked(layers.Dense(3), 2)], subspaces=0), ValueError, "`subspaces`"),
        (lambda: OrthogonalSubspaces([stacked(layers.Dense(3), 2)]).build((None, 1, 4)), ValueError, "must divide the 3 channels"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
