import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mtlzoo.data.overlay import overlay
from mtlzoo.data.sources.digits import digits
from mtlzoo.data.split import split

CHECKSUM = "cb076137e5304457"


def test_the_composition_of_seed_0_never_changes():
    base = load_digits()
    arrays = overlay(base.images.astype("uint8"), base.target.astype("int64"), 1000, shift=4, margin=0, seed=0)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()
    assert digest[:16] == CHECKSUM


def test_sizes_and_labels():
    splits = digits()
    assert splits.sizes == {"train": 12_000, "validation": 1_500, "test": 1_500}
    for name in splits.sizes:
        rows = 0
        for x, y, weights in getattr(splits, name):
            np.testing.assert_array_equal(y["sum"], y["left"] + y["right"])
            assert x.numpy().min() >= 0 and x.numpy().max() <= 1
            assert all(weight.numpy().all() for weight in weights.values())
            rows += len(x)
        assert rows == splits.sizes[name]


def test_no_base_image_is_in_two_splits():
    parts = split((np.arange(1797), np.arange(1797)))
    members = [set(x.tolist()) for x, _ in parts.values()]
    assert sum(len(part) for part in members) == 1797 == len(set().union(*members))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`data_dir` must be None"):
        digits("somewhere")
    with pytest.raises(ValueError, match="`limit`"):
        digits(limit=0)
