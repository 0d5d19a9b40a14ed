"""The copies' features, one tensor each."""

import numpy as np
import pytest

from mtlzoo.layers import Unstack


def test_entries_come_in_order_and_one_for_all_comes_to_each(rng):
    x = rng.normal(size=(4, 3, 5)).astype("float32")
    for index, part in enumerate(Unstack(3)(x)):
        np.testing.assert_array_equal(part, x[:, index])
    for part in Unstack(2)(x[:, 1:2]):
        np.testing.assert_array_equal(part, x[:, 1])


def test_another_number_of_entries_is_refused(rng):
    with pytest.raises(ValueError, match=r"must be \[batch, 2 or 1, ...\]; received the shape \(4, 3, 5\)"):
        Unstack(2)(rng.normal(size=(4, 3, 5)))
    with pytest.raises(ValueError, match="`copies`"):
        Unstack(0)
