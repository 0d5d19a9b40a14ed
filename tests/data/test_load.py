import pytest

from mtlzoo.data import load


def test_the_default_is_embedded():
    assert load(limit=20).sizes == {"train": 20, "validation": 20, "test": 20}


def test_a_spec_is_a_string():
    with pytest.raises(TypeError, match="`data`"):
        load(3)
