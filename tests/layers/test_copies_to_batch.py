"""Copies as rows of a larger batch."""

import keras
import numpy as np

from mtlzoo.layers import BatchToCopies, CopiesToBatch


def test_a_layer_serves_every_copy_with_the_same_weights(rng):
    x, dense = rng.normal(size=(4, 3, 5)).astype("float32"), keras.layers.Dense(2)
    found = BatchToCopies(3)(dense(CopiesToBatch()(x)))
    for copy in range(3):
        np.testing.assert_allclose(found[:, copy], dense(x[:, copy]), rtol=1e-5, atol=1e-6)


def test_masks_go_with_their_rows(rng):
    layer = CopiesToBatch()
    mask = rng.integers(0, 2, (4, 3, 6)).astype("bool")
    x = keras.ops.ones((4, 3, 6, 2))
    np.testing.assert_array_equal(layer.compute_mask(x, keras.ops.array(mask)), mask.reshape(12, 6))
    np.testing.assert_array_equal(layer.compute_mask(x, keras.ops.array(mask[:, :1])), np.repeat(mask[:, 0], 3, axis=0))
    assert layer.compute_mask(None, None) is None
    assert layer.compute_output_shape((None, 3, 6, 2)) == (None, 6, 2)
