"""Batch normalisation of several copies; that it equals its copies is in test_stacked.py."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import StackedBatchNormalization


@pytest.mark.parametrize("entries", [1, 2])
def test_a_mask_leaves_out_entries_as_it_does_for_one_layer(entries, rng):
    x = rng.normal(size=(4, entries, 5, 3)).astype("float32")
    mask = rng.integers(0, 2, (4, entries, 5)).astype(bool)
    together, apart = StackedBatchNormalization(keras.layers.BatchNormalization(), 2), keras.layers.BatchNormalization()
    found = together(x, training=True, mask=keras.ops.convert_to_tensor(mask))
    wanted = apart(x[:, -1], training=True, mask=keras.ops.convert_to_tensor(mask[:, -1]))
    np.testing.assert_allclose(found[:, 1], wanted, atol=1e-4)
    for mine, theirs in zip(together.copy_weights(1), apart.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_large_numbers_in_short_floats_do_not_overflow():
    layer = StackedBatchNormalization(keras.layers.BatchNormalization(dtype="mixed_float16"), 2)
    x = np.tile(np.array([[-300.0], [300.0]], "float16"), (50, 2))[..., None]
    np.testing.assert_allclose(np.abs(np.asarray(layer(x, training=True), "float32")), 1, rtol=1e-2)


def test_renorm_is_refused():
    with pytest.raises(ValueError, match="renorm=False"):
        StackedBatchNormalization(keras.layers.BatchNormalization(renorm=True), 2)
