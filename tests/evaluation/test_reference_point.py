"""`reference_point`: the worst value of each task, and a little worse."""

import math

import numpy as np
import pytest

from mtlzoo.evaluation import hypervolume, reference_point

POINTS = [[0.5, 3.0], [1.0, 5.0], [0.75, 4.0]]


def test_it_is_the_worst_of_each_task_moved_on_by_a_share_of_the_range():
    assert reference_point(POINTS, ["max", "min"]).tolist() == pytest.approx([0.45, 5.2])
    assert reference_point(POINTS, ["min", "max"]).tolist() == pytest.approx([1.05, 2.8])
    assert reference_point(POINTS, ["max", "min"], margin=0).tolist() == [0.5, 5.0]


def test_a_task_without_a_range_still_has_a_volume():
    point = reference_point([[4.0, 0.0, 1.0], [4.0, 0.0, 2.0]], ["min", "max", "min"])
    assert point.tolist() == pytest.approx([4.4, -0.1, 2.1])
    assert hypervolume([[4.0, 0.0, 1.0]], point, ["min", "max", "min"]) == pytest.approx(0.4 * 0.1 * 1.1)


def test_all_points_count_from_it(rng):
    points = rng.normal(size=(20, 3))
    better = ["max", "min", "min"]
    assert (np.array([hypervolume([row], reference_point(points, better), better) for row in points]) > 0).all()


@pytest.mark.parametrize("points", [[], [[math.inf, 1.0], [0.0, 1.0]]])
def test_no_points_and_infinite_ones_are_refused(points):
    with pytest.raises(ValueError, match="at least one and finite"):
        reference_point(points, ["min", "min"])
    with pytest.raises(ValueError, match="at least 0"):
        reference_point(POINTS, ["min", "min"], margin=-0.1)
