import numpy as np
import pytest
from keras import ops

from mtlzoo.layers import Fold


def test_copies_become_rows_and_a_mask_follows(rng):
    x = rng.normal(size=(5, 3, 4, 2))
    np.testing.assert_array_equal(Fold(3, dtype="float64")(x), x.reshape(15, 4, 2))
    mask = rng.integers(2, size=(5, 3, 4)).astype(bool)
    np.testing.assert_array_equal(Fold(3).compute_mask(x, mask), mask.reshape(15, 4))
    np.testing.assert_array_equal(Fold(3).compute_mask(x, mask[:, :1]), np.repeat(mask[:, :1], 3, axis=1).reshape(15, 4))
    assert Fold(3).compute_mask(x, None) is None
    assert Fold(3).compute_output_shape((None, 3, 4)) == (None, 4)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`copies`"):
        Fold(0)
    with pytest.raises(ValueError, match=r"must be \[batch, 3, ...\]"):
        Fold(3)(ops.ones((5, 1, 4)))
