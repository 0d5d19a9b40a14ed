"""The rotation of features: what it computes, what it keeps, and who trains it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Rotation


def orthogonal(size, rng):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def turned(layer, features, rng):
    """The layer, built for that many features, with a random orthogonal matrix; and the matrix."""
    layer.build((None, features))
    matrix = orthogonal(layer.matrix.shape[0], rng)
    layer.matrix.assign(matrix)
    return matrix


def test_starts_as_the_identity(rng):
    x = rng.normal(size=(3, 5)).astype("float32")
    np.testing.assert_array_equal(Rotation()(x), x)
    np.testing.assert_array_equal(Rotation(2)(x), x)


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 5)])
def test_turns_the_last_axis_and_keeps_lengths(shape, rng):
    layer = Rotation()
    matrix = turned(layer, 5, rng)
    x = rng.normal(size=shape).astype("float32")
    y = layer(x).numpy()
    np.testing.assert_allclose(y, np.einsum("ij,...j->...i", matrix, x), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-5)
    assert layer.compute_output_shape(x.shape) == y.shape


def test_size_leaves_the_other_features_as_they_are(rng):
    layer = Rotation(2)
    matrix = turned(layer, 5, rng)
    x = rng.normal(size=(3, 5)).astype("float32")
    np.testing.assert_allclose(layer(x)[:, :2], x[:, :2] @ matrix.T, atol=1e-6)
    np.testing.assert_array_equal(layer(x)[:, 2:], x[:, 2:])
    large = Rotation(9)
    large.build((None, 5))
    assert large.matrix.shape == (5, 5)


def test_the_matrix_is_saved_and_the_optimizer_does_not_train_it(rng, tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(1)(Rotation(3, name="turn")(x)))
    layer = model.get_layer("turn")
    layer.matrix.assign(orthogonal(3, rng))
    before = layer.matrix.numpy()
    model.compile("adam", "mse")
    model.fit(rng.normal(size=(8, 4)), rng.normal(size=8), verbose=0)
    np.testing.assert_array_equal(layer.matrix.numpy(), before)
    assert not layer.trainable_variables and len(layer.weights) == 1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("turn").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded.get_layer("turn").matrix.numpy(), before)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_matrix_in_float32(policy, rng):
    layer = Rotation(dtype=policy)
    turned(layer, 4, rng)
    x = rng.normal(size=(3, 4)).astype("float32")
    assert layer(x).dtype == policy.removeprefix("mixed_") and layer.matrix.dtype == "float32"
    np.testing.assert_allclose(tf.cast(layer(x), "float32"), x @ layer.matrix.numpy().T, atol=0.05)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="`size`"):
        Rotation(0)
    with pytest.raises(ValueError, match="must end in a known number of features"):
        Rotation()(keras.Input((None,)))
