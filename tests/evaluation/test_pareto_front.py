"""`pareto_front`: known fronts, and the definition written out."""

import math

import numpy as np
import pytest

from mtlzoo.evaluation import pareto_front


def by_definition(costs):
    """The front by comparing each pair."""
    return [not any((other <= row).all() and (other < row).any() for other in costs) for row in costs]


@pytest.mark.parametrize("tasks", [1, 2, 3, 5])
def test_it_is_the_definition(rng, tasks):
    costs = rng.integers(0, 5, (60, tasks)).astype(float)  # Whole numbers, so that many are equal.
    front = pareto_front(costs, ["min"] * tasks)
    assert front.tolist() == by_definition(costs) and 0 < front.sum() < 60


def test_directions_turn_the_comparison(rng):
    points = rng.normal(size=(40, 3))
    front = pareto_front(points, ["max", "min", "max"])
    assert front.tolist() == pareto_front(points * [-1, 1, -1], ["min"] * 3).tolist()
    assert front[points[:, 0].argmax()] and front[points[:, 1].argmin()] and front[points[:, 2].argmax()]


def test_rows_and_tasks_in_another_order_give_the_same_front(rng):
    points, better = rng.normal(size=(40, 3)), ["max", "min", "max"]
    rows, tasks = rng.permutation(40), [2, 0, 1]
    moved = pareto_front(points[rows][:, tasks], [better[task] for task in tasks])
    assert moved.tolist() == pareto_front(points, better)[rows].tolist()


def test_equal_points_are_all_on_the_front_or_none():
    points = [[1.0, 2.0], [1.0, 2.0], [2.0, 3.0], [2.0, 3.0], [math.inf, 0.0]]
    assert pareto_front(points, ["min", "min"]).tolist() == [True, True, False, False, True]
    assert pareto_front([], ["min", "max"]).shape == (0,)


@pytest.mark.parametrize(
    ("points", "better", "error", "words"),
    [
        ([[1.0, math.nan]], ["min", "min"], ValueError, "NaN; received it in row 0"),
        ([[1.0, 2.0]], ["min"], ValueError, r"\[n, 1\]"),
        ([1.0, 2.0], ["min", "min"], ValueError, r"received the shape \(2,\)"),
        ([[1.0]], ["mn"], ValueError, "Did you mean 'min'"),
        ([[1.0]], "min", TypeError, "one a task"),
        (np.zeros((2, 0)), [], ValueError, "one direction a task"),
    ],
)
def test_bad_arguments_are_named(points, better, error, words):
    with pytest.raises(error, match=words):
        pareto_front(points, better)
