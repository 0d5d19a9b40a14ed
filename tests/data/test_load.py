import pytest

from mtlzoo.data import TableEncoder, load


def test_the_default_is_embedded():
    assert load(limit=20).sizes == {"train": 20, "validation": 20, "test": 20}


def test_an_encoder_is_for_tables():
    with pytest.raises(ValueError, match="`encoder` is for the tables 'census_income'; received data 'digits' with one"):
        load("digits", encoder=TableEncoder.fit({"city": ["Rome", "Oslo"]}))


def test_a_spec_is_a_string():
    with pytest.raises(TypeError, match="`data`"):
        load(3)
