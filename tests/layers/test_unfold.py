import numpy as np
import pytest

from mtlzoo.layers import Fold, Unfold


def test_is_the_way_back_from_fold(rng):
    x = rng.normal(size=(5, 3, 4, 2)).astype("float32")
    np.testing.assert_array_equal(Unfold(3)(Fold(3)(x)), x)
    mask = rng.integers(2, size=(5, 3, 4)).astype(bool)
    np.testing.assert_array_equal(Unfold(3).compute_mask(None, Fold(3).compute_mask(None, mask)), mask)
    assert Unfold(3).compute_mask(x, None) is None
    assert Unfold(3).compute_output_shape((15, 4)) == (5, 3, 4) and Unfold(3).compute_output_shape((None, 4)) == (None, 3, 4)


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="`copies`"):
        Unfold(1.5)
