"""Alphas and their schedules."""

import numpy as np
import pytest

from mtlzoo import alphas
from mtlzoo.alphas import Alphas, AlphaSchedule


def test_reads_and_sets_by_name():
    values = Alphas({"a": 1.0, "b": 0.1})
    values["a"] = 0.3
    values.update({"b": 2})
    assert dict(values) == {"a": 0.3, "b": 2.0} and len(values) == 2 and list(values) == ["a", "b"]
    np.testing.assert_allclose(values.vector.numpy(), [0.3, 2.0], rtol=1e-6)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "much", None])
def test_bad_values_change_nothing(value):
    values = Alphas({"a": 1.0, "b": 0.5})
    with pytest.raises((ValueError, TypeError), match="alpha of task b"):
        values.update({"a": 3.0, "b": value})
    assert dict(values) == {"a": 1.0, "b": 0.5}


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'digit'"):
        Alphas({"digit": 1.0})["digits"]


@pytest.mark.parametrize("ramp", [alphas.linear, alphas.cosine])
def test_ramps_start_end_and_are_monotone(ramp):
    schedule = ramp(0.2, 1.2, epochs=5, first=2)
    values = [schedule(epoch) for epoch in range(10)]
    assert values[:3] == [0.2] * 3
    np.testing.assert_allclose(values[7:], 1.2)
    assert np.all(np.diff(values) >= 0)
    np.testing.assert_allclose(np.array(values[2:8]) + np.array(values[2:8])[::-1], 1.4)


def test_schedules_of_every_form():
    callback = AlphaSchedule({"a": 2, "b": [0.0, 1.0], "c": lambda epoch: epoch / 2, "d": alphas.piecewise({0: 1.0, 3: 0.0})})
    assert callback.at(0) == {"a": 2.0, "b": 0.0, "c": 0.0, "d": 1.0}
    assert callback.at(9) == {"a": 2.0, "b": 1.0, "c": 4.5, "d": 0.0}


@pytest.mark.parametrize(
    ("schedules", "error", "message"),
    [
        ({"a": []}, ValueError, "at least one"),
        ({"a": [-1.0]}, ValueError, "at least 0"),
        ({"a": "linear"}, TypeError, "number, a list or a function"),
        ([1.0], TypeError, "dict of task name"),
    ],
)
def test_bad_schedules_are_refused(schedules, error, message):
    with pytest.raises(error, match=message):
        AlphaSchedule(schedules)


def test_a_function_that_gives_a_bad_alpha_is_named():
    with pytest.raises(ValueError, match="alpha of task a"):
        AlphaSchedule({"a": lambda epoch: -1.0}).at(0)


def test_piecewise_needs_a_beginning():
    with pytest.raises(ValueError, match="from epoch 0"):
        alphas.piecewise({2: 1.0})
