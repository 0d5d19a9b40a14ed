"""Dense layers as one product; that they equal their copies is in test_stacked.py."""

import keras
import numpy as np
import tensorflow as tf

from mtlzoo.layers import StackedDense


def operations(layer, shape):
    """Kinds of the operations that a layer runs."""
    function = tf.function(layer).get_concrete_function(tf.TensorSpec(shape))
    return [operation.type for operation in function.graph.get_operations()]


def test_any_number_of_copies_is_one_product():
    for entries in (1, 32):
        found = operations(StackedDense(keras.layers.Dense(4, activation="relu"), 32), (8, entries, 5))
        assert sum(kind in ("MatMul", "BatchMatMulV2") for kind in found) == 1, found
        assert len(found) < 40


def test_weights_are_slices_by_copy(rng):
    layer = StackedDense(keras.layers.Dense(3, activation="tanh"), ("a", "b"))
    x = rng.normal(size=(4, 2, 5)).astype("float32")
    y = layer(x)
    assert [weight.name for weight in layer.weights] == ["kernel", "bias"] and layer.kernel.shape == (2, 5, 3)
    kernel, bias = layer.copy_weights("b")
    np.testing.assert_allclose(y[:, 1], np.tanh(x[:, 1] @ kernel + bias), rtol=1e-5)
