"""Rows of a larger batch as copies again."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import BatchToCopies, CopiesToBatch


@pytest.mark.parametrize("shape", [(5,), (3, 2, 5)])
def test_undoes_copies_to_batch(shape, rng):
    x = rng.normal(size=(4, 3, *shape)).astype("float32")
    np.testing.assert_array_equal(BatchToCopies(3)(CopiesToBatch()(x)), x)


def test_masks_go_with_their_copies(rng):
    mask = rng.integers(0, 2, (12, 6)).astype("bool")
    layer = BatchToCopies(3)
    np.testing.assert_array_equal(layer.compute_mask(None, keras.ops.array(mask)), mask.reshape(4, 3, 6))
    assert layer.compute_mask(None, None) is None


def test_the_number_of_copies_is_checked():
    with pytest.raises(ValueError, match="`copies` must be a whole number at least 1"):
        BatchToCopies(0)
