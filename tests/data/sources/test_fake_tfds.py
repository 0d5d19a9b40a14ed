import pytest

from mtlzoo.data.sources import fake_tfds


def test_nothing_is_overwritten(tmp_path):
    fake_tfds(tmp_path, "mnist", train=4, test=2)
    with pytest.raises(ValueError, match="already"):
        fake_tfds(tmp_path, "mnist")
