"""Convolutions of several copies; that they equal their copies is in test_stacked.py."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import StackedConv2D
from tests.layers.test_stacked_dense import operations


@pytest.mark.parametrize(("filters", "entries", "wanted"), [(4, 1, 1), (4, 3, 3), (32, 1, 3)])
def test_narrow_copies_of_one_image_are_one_convolution(filters, entries, wanted):
    layer = StackedConv2D(keras.layers.Conv2D(filters, 3), 3)
    assert operations(layer, (8, entries, 6, 6, 2)).count("Conv2D") == wanted


def test_kernels_larger_than_the_image_and_groups_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="output shape|negative|positive"):
        StackedConv2D(keras.layers.Conv2D(4, 7), 2)(np.ones((3, 2, 5, 5, 1)))
    with pytest.raises(ValueError, match="`groups` of"):
        StackedConv2D(keras.layers.Conv2D(4, 3, groups=2), 2)(np.ones((3, 2, 5, 5, 3)))
