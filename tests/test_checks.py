"""The wording of errors."""

import numpy as np
import pytest

from mtlzoo import checks


def test_nearest_name_and_what_came():
    error = checks.unknown_name("balancer", "mgad", ["mgda", "pcgrad"])
    assert str(error) == "`balancer` must be one of 'mgda', 'pcgrad'; received 'mgad'. Did you mean 'mgda'?"
    assert "Did you mean" not in str(checks.unknown_name("balancer", "zzz", ["mgda"]))
    assert "(none)" in str(checks.unknown_name("balancer", "zzz", []))


@pytest.mark.parametrize(("value", "error"), [(True, TypeError), ("1", TypeError), (np.nan, ValueError), (-1, ValueError), (3, ValueError)])
def test_numbers(value, error):
    with pytest.raises(error, match="`x` must be"):
        checks.number("x", value, low=0, high=2)
    assert checks.number("x", np.float32(0.5), low=0, high=2) == 0.5


def test_strict_bounds():
    with pytest.raises(ValueError, match="above 0"):
        checks.number("x", 0, low=0, strict=True)


@pytest.mark.parametrize(("value", "error"), [(1.0, TypeError), (False, TypeError), (0, ValueError), (9, ValueError)])
def test_integers(value, error):
    with pytest.raises(error, match="`n` must be a whole number"):
        checks.integer("n", value, low=1, high=8)
    assert checks.integer("n", np.int64(3), low=1) == 3


def test_keys():
    with pytest.raises(ValueError, match="Did you mean 'train'"):
        checks.exact_keys("fractions", ["trian", "test"], ["train", "test"])
    with pytest.raises(ValueError, match=r"missing \['test'\]"):
        checks.exact_keys("fractions", ["train"], ["train", "test"])


def test_a_long_value_is_told_in_one_short_line():
    with pytest.raises(TypeError) as error:
        checks.instance("train", (np.ones((50, 2)),), str, "a path")
    assert "\n" not in str(error.value) and len(str(error.value)) < 200 and "received (array([[1., 1.], [1., 1.]," in str(error.value)
