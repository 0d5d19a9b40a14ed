"""Entries that several experts read."""

import numpy as np
import pytest
from keras import layers

from mtlzoo.layers import ForEach


@pytest.mark.parametrize("shape", [(4,), (3, 3, 2)])
def test_every_entry_stands_several_times_in_a_row(shape, rng):
    x = rng.normal(size=(5, 2, *shape)).astype("float32")
    found = np.asarray(ForEach(3)(x))
    for place in range(6):
        np.testing.assert_array_equal(found[:, place], x[:, place // 3])


def test_masks_go_with_their_tensors():
    read = layers.Masking()(np.array([[[1.0], [0.0]]], "float32"))
    assert ForEach(2)(read)._keras_mask.numpy().tolist() == [[True, True, False, False]]


def test_less_than_once_is_refused():
    with pytest.raises(ValueError, match="`times` must be a whole number at least 1; received 0"):
        ForEach(0)
