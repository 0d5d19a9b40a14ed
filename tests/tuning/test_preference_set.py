"""Front, hypervolume and table of a set of preferences, by hand."""

import numpy as np
import pytest

from mtlzoo import Task
from mtlzoo.tuning import PreferenceSet


@pytest.fixture
def found():
    tasks = (Task.multiclass("digit", 10), Task.regression("sum"))
    results = tuple({"digit_accuracy": accuracy, "sum_mae": mae} for accuracy, mae in ((0.9, 3.0), (0.8, 2.0), (0.7, 2.5), (0.5, 1.0)))
    shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6], [0.1, 0.9]])
    return PreferenceSet(tasks=tasks, preferences=shares, results=results, models=())


def test_front_takes_each_metric_in_its_own_direction(found):
    assert found.better == ("max", "min")
    assert found.front.tolist() == [True, True, False, True]


def test_hypervolume_is_the_area_by_hand_and_the_reference_is_beyond_the_worst(found):
    assert found.hypervolume([0.0, 4.0]) == pytest.approx(0.9 * 1 + 0.8 * 1 + 0.5 * 1)
    np.testing.assert_allclose(found.reference, [0.5 - 0.04, 3.0 + 0.2])
    assert found.hypervolume() == pytest.approx(found.hypervolume(found.reference))


def test_table_and_picture(found, tmp_path):
    assert list(found.frame) == ["digit_preference", "sum_preference", "digit_accuracy", "sum_mae", "front"]
    assert found.frame["sum_preference"].tolist() == [0.1, 0.4, 0.6, 0.9]
    found.plot(tmp_path / "front.png")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
