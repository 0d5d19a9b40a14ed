"""What all copies read."""

import keras
import numpy as np

from mtlzoo.layers import ForAll


def test_dicts_of_tensors_and_their_masks_get_the_axis():
    inputs = {"tokens": keras.Input((4,), dtype="int32"), "price": keras.Input((3,))}
    read = {"tokens": keras.layers.Embedding(9, 2, mask_zero=True)(inputs["tokens"]), "price": inputs["price"]}
    shared = ForAll()(read)
    assert {key: part.shape for key, part in shared.items()} == {"tokens": (None, 1, 4, 2), "price": (None, 1, 3)}

    tokens = np.array([[3, 1, 0, 0]])
    embedded = keras.layers.Embedding(9, 2, mask_zero=True)(tokens)
    np.testing.assert_array_equal(ForAll()(embedded)._keras_mask, [[[True, True, False, False]]])
