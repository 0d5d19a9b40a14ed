"""`mean_interval`: tabled values of Student's t, and how often the interval holds the mean."""

import math

import numpy as np
import pytest

from mtlzoo.evaluation import mean_interval


@pytest.mark.parametrize(("confidence", "t"), [(0.90, 2.132), (0.95, 2.776), (0.99, 4.604)])
def test_the_interval_is_the_tabled_one_of_student(confidence, t):
    mean, half = mean_interval([2.0, 4.0, 4.0, 4.0, 6.0], confidence=confidence)
    assert mean == 4.0
    assert half == pytest.approx(t * math.sqrt(2.0) / math.sqrt(5), rel=2e-4)


def test_as_many_intervals_hold_the_mean_as_promised(rng):
    held = [abs(mean) <= half for mean, half in (mean_interval(rng.normal(size=4), confidence=0.8) for _ in range(1500))]
    assert np.mean(held) == pytest.approx(0.8, abs=0.04)


def test_one_value_has_no_interval_and_equal_values_have_none_to_speak_of():
    mean, half = mean_interval([3.0])
    assert mean == 3.0 and math.isnan(half)
    assert mean_interval([3.0, 3.0]) == (3.0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_run_that_diverged_is_not_left_out_of_the_mean(bad):
    assert all(math.isnan(part) for part in mean_interval([1.0, bad, 2.0]))


@pytest.mark.parametrize(
    ("values", "confidence", "words"),
    [
        ([], 0.95, "at least one value"),
        ([[1.0]], 0.95, r"received the shape \(1, 1\)"),
        ([1.0], 0.0, "above 0"),
        ([1.0], 1.0, "below 1"),
        ([1.0], 95, "at most 1"),
    ],
)
def test_bad_arguments_are_named(values, confidence, words):
    with pytest.raises(ValueError, match=words):
        mean_interval(values, confidence=confidence)
