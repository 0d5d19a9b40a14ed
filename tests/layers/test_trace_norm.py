"""Trace norms of kernels stacked over copies."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mtlzoo.layers import TraceNorm, stacked
from mtlzoo.layers._nuclear import nuclear_norm


def nuclear(matrix):
    return np.linalg.svd(np.asarray(matrix, "float64"), compute_uv=False).sum()


def by_hand(kernel, flattening):
    """The paper's trace norms of a tensor whose first axis holds the copies, which are its last there."""
    tensor = np.moveaxis(np.asarray(kernel, "float64"), 0, -1)
    if flattening == "last":
        return nuclear(tensor.reshape(-1, tensor.shape[-1]))
    if flattening == "tucker":
        return sum(nuclear(np.moveaxis(tensor, axis, 0).reshape(size, -1)) for axis, size in enumerate(tensor.shape))
    return sum(nuclear(tensor.reshape(int(np.prod(tensor.shape[:cut])), -1)) for cut in range(1, tensor.ndim))


CASES = [(layers.Dense(6), (1, 5)), (layers.Conv1D(6, 3), (1, 5, 3)), (layers.Conv2D(4, 3), (3, 5, 5, 2)), (layers.LSTM(4), (3, 5, 3))]


@pytest.mark.parametrize("flattening", ["last", "tucker", "tt"])
@pytest.mark.parametrize(("single", "shape"), CASES)
def test_the_penalty_sums_the_norms_of_all_kernels(single, shape, flattening, rng):
    inner = stacked(single, ("a", "b", "c"))
    layer = TraceNorm([inner, stacked(layers.BatchNormalization(), ("a", "b", "c"))], flattening=flattening, strength=0.5)
    layer(rng.normal(size=(4, *shape)).astype("float32"))
    copies = [inner.copy_weights(name) for name in ("a", "b", "c")]
    kernels = [np.stack(parts) for parts in zip(*copies, strict=True) if parts[0].ndim > 1]
    assert len(kernels) == 2 if isinstance(single, layers.LSTM) else 1
    np.testing.assert_allclose(layer.losses, [0.5 * sum(by_hand(kernel, flattening) for kernel in kernels)], rtol=1e-5)


def value_and_gradient(matrix):
    matrix = tf.constant(matrix, "float32")
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        value = nuclear_norm(matrix)
    return float(value), tape.gradient(value, matrix).numpy()


@pytest.mark.parametrize("shape", [(2, 7), (7, 2), (5, 5), (1, 4), (12, 30)])
def test_value_and_gradient_of_any_matrix(shape, rng):
    matrix = rng.normal(size=shape)
    value, gradient = value_and_gradient(matrix)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(value, values.sum(), rtol=1e-6)
    np.testing.assert_allclose(gradient, left @ right, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_equal_and_vanishing_singular_values_have_a_finite_gradient(scale, rng):
    np.testing.assert_allclose(value_and_gradient(scale * np.eye(3, 5))[1], np.eye(3, 5), atol=1e-6)
    one, other = rng.normal(size=(4, 1)), rng.normal(size=(1, 6))
    rank_one = scale * one @ other
    value, gradient = value_and_gradient(rank_one)
    np.testing.assert_allclose(value, np.linalg.norm(rank_one), rtol=1e-6)
    np.testing.assert_allclose(gradient, rank_one / np.linalg.norm(rank_one), atol=1e-6)
    value, gradient = value_and_gradient(np.zeros((3, 5)))
    assert value == 0 and np.all(gradient == 0)


@pytest.mark.parametrize("flattening", ["last", "tucker", "tt"])
def test_of_stacks_of_rank_one_it_is_the_frobenius_norm_of_each_matrix(flattening, rng):
    inner = stacked(layers.Conv1D(5, 3), ("a", "b", "c"))
    layer = TraceNorm([inner], flattening=flattening, strength=1.0)
    layer.build((None, 1, 6, 2))
    parts = [rng.normal(size=size) for size in inner.kernel.shape]
    inner.kernel.assign(np.einsum("n,i,j,k->nijk", *parts))
    matrices = {"last": 1, "tucker": 4, "tt": 3}[flattening]
    with tf.GradientTape() as tape:
        layer(np.ones((2, 1, 6, 2), "float32"))
        loss = sum(layer.losses)
    norm = np.linalg.norm(inner.kernel)
    np.testing.assert_allclose(loss, matrices * norm, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(loss, inner.kernel.value), matrices * inner.kernel.numpy() / norm, atol=1e-5)


def test_equal_copies_stay_equal():
    inner = stacked(layers.Dense(5), ("a", "b", "c"))
    layer = TraceNorm([inner], strength=1.0)
    layer.build((None, 1, 4))
    inner.kernel.assign(np.broadcast_to(inner.kernel[0], inner.kernel.shape))
    with tf.GradientTape() as tape:
        layer(np.ones((2, 1, 4), "float32"))
        loss = sum(layer.losses)
    gradient = tape.gradient(loss, inner.kernel.value).numpy()
    np.testing.assert_allclose(gradient, np.broadcast_to(gradient[0], gradient.shape), atol=1e-6)


def test_descent_lowers_the_rank_and_keeps_the_copies_apart(rng):
    inner = stacked(layers.Dense(5), ("a", "b", "c", "d"))
    layer = TraceNorm([inner], strength=1.0)
    layer.build((None, 1, 4))
    common, rest = np.linalg.qr(rng.normal(size=(20, 2)))[0].T, 0.05 * rng.normal(size=(4, 20))
    inner.kernel.assign((3 * rng.normal(size=(4, 2)) @ common + rest).reshape(4, 4, 5))
    x = np.ones((1, 1, 4), "float32")
    for _ in range(60):
        with tf.GradientTape() as tape:
            layer(x)
            loss = sum(layer.losses)
        inner.kernel.assign_sub(0.01 * tape.gradient(loss, inner.kernel.value))
    values = np.linalg.svd(inner.kernel.numpy().reshape(4, -1), compute_uv=False)
    assert values[1] > 0.5 and values[2] < 0.02
    assert np.abs(inner.kernel[0] - inner.kernel[1]).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"flattening": "tuker"}, ValueError, "`flattening` must be one of 'last', 'tt', 'tucker'.*Did you mean 'tucker'"),
        ({"strength": -1}, ValueError, "`strength`"),
        ({"alternate": "yes"}, TypeError, "`alternate`"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        TraceNorm([stacked(layers.Dense(3), 2)], **arguments)
