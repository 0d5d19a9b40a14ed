"""`hypervolume`: cases computed by hand, sampling, and what must change nothing."""

import math

import numpy as np
import pytest

from mtlzoo.evaluation import hypervolume


def sphere(rng, count, tasks):
    """Points of a front: no point of the positive part of the unit sphere dominates another."""
    points = np.abs(rng.normal(size=(count, tasks)))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_one_task_counts_its_best_value():
    assert hypervolume([[1.0], [3.0], [9.0]], [4.0], ["min"]) == 3.0
    assert hypervolume([[1.0], [3.0], [9.0]], [4.0], ["max"]) == 5.0


def test_two_tasks_by_hand():
    # Boxes 3x1, 2x2 and 1x3 from the corner (4, 4): a staircase of 3 + 2 + 1 squares.
    staircase = [[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]
    assert hypervolume(staircase, [4.0, 4.0], ["min", "min"]) == 6.0
    assert hypervolume([[3.0, 3.0], [2.0, 4.0]], [1.0, 1.0], ["max", "max"]) == 4.0 + 3.0 - 2.0
    assert hypervolume([[3.0, 1.0]], [1.0, 4.0], ["max", "min"]) == 6.0


def test_three_tasks_by_hand():
    # Three slabs 2x2x1 in turn: each pair shares a box of 2 and all three share 1, so 12 - 6 + 1.
    slabs = [[2.0, 2.0, 1.0], [2.0, 1.0, 2.0], [1.0, 2.0, 2.0]]
    assert hypervolume(slabs, [0.0, 0.0, 0.0], ["max"] * 3) == 7.0
    # The same with a fourth task in which all reach 2, and in which one reaches 3.
    assert hypervolume([[*slab, 2.0] for slab in slabs], [0.0] * 4, ["max"] * 4) == 14.0
    assert hypervolume([[*slab, 2.0 + (slab[0] == 1)] for slab in slabs], [0.0] * 4, ["max"] * 4) == 18.0


@pytest.mark.parametrize("tasks", [2, 3, 4, 5])
def test_it_agrees_with_sampling(rng, tasks):
    points = sphere(rng, 12, tasks)
    samples = rng.uniform(size=(40_000, tasks))
    hit = (points[None] >= samples[:, None]).all(axis=-1).any(axis=1)
    exact = hypervolume(points, [0.0] * tasks, ["max"] * tasks)
    assert exact == pytest.approx(hit.mean(), abs=4 * hit.std() / math.sqrt(len(hit)))


@pytest.mark.parametrize("tasks", [2, 3, 5])
def test_dominated_equal_and_distant_points_and_any_order_change_nothing(rng, tasks):
    points, corner, better = sphere(rng, 10, tasks), [0.1] * tasks, ["max"] * tasks
    exact = hypervolume(points, corner, better)
    beyond = np.where(np.arange(tasks) == 0, 5.0, 0.1)[None]
    more = np.concatenate([points, points[:3], points * 0.9, -points, beyond, points[:1] - math.inf])
    assert hypervolume(rng.permutation(more), corner, better) == pytest.approx(exact, rel=1e-12)
    order = rng.permutation(tasks)
    assert hypervolume(points[:, order], corner, better) == pytest.approx(exact, rel=1e-12)
    assert hypervolume(-points, [-0.1] * tasks, ["min"] * tasks) == pytest.approx(exact, rel=1e-12)
    assert hypervolume(np.concatenate([points, [[0.9] * tasks]]), corner, better) > exact


def test_scaling_a_task_scales_the_volume(rng):
    points = sphere(rng, 8, 3)
    scaled = hypervolume(points * [1e6, 1.0, 1e-6], [0.0] * 3, ["max"] * 3)
    assert scaled == pytest.approx(hypervolume(points, [0.0] * 3, ["max"] * 3), rel=1e-12)


def test_no_points_have_no_volume():
    assert hypervolume([], [1.0, 1.0], ["min", "min"]) == 0.0


@pytest.mark.parametrize(
    ("points", "reference", "words"),
    [
        ([[1.0, math.nan]], [2.0, 2.0], "`points` must not hold NaN"),
        ([[1.0, 1.0]], [2.0, math.nan], "`reference` must not hold NaN"),
        ([[1.0, 1.0]], [2.0, math.inf], "`reference` must be 2 finite"),
        ([[1.0, 1.0]], [2.0], r"`reference` must be \[n, 2\]"),
        ([[1.0, -math.inf]], [2.0, 2.0], "infinitely good"),
    ],
)
def test_bad_arguments_are_named(points, reference, words):
    with pytest.raises(ValueError, match=words):
        hypervolume(points, reference, ["min", "min"])
