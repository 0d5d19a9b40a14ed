"""Layer normalisation of several copies; that it equals its copies is in test_stacked.py."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import StackedLayerNormalization


def test_no_row_and_no_copy_depends_on_another(rng):
    layer, x = StackedLayerNormalization(keras.layers.LayerNormalization(), 2), rng.normal(size=(4, 2, 5)).astype("float32")
    before, changed = np.asarray(layer(x, training=True)), x.copy()
    changed[0, 1] += rng.normal(size=5)
    after = np.asarray(layer(changed, training=True))
    same = np.all(before == after, axis=-1)
    assert not same[0, 1] and same.sum() == 7
    np.testing.assert_array_equal(layer(x, training=False), before)


def test_large_numbers_in_short_floats_do_not_overflow():
    layer = StackedLayerNormalization(keras.layers.LayerNormalization(dtype="mixed_float16"), 2)
    x = np.tile(np.array([-300.0, 300.0], "float16"), (3, 2, 50))
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_allclose(np.abs(np.asarray(y, "float32")), 1, rtol=1e-2)


def test_other_axes_are_refused():
    with pytest.raises(ValueError, match="`layer` must have axis=-1"):
        StackedLayerNormalization(keras.layers.LayerNormalization(axis=1), 2)
