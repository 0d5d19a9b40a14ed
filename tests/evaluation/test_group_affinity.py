"""`group_affinity`: the mean of pairs, and what it does not read."""

import math

import numpy as np
import pytest

from mtlzoo.evaluation import group_affinity


def test_a_group_gains_the_mean_of_what_its_pairs_gain(rng):
    affinity, group = rng.normal(size=(6, 6)), [4, 1, 3]
    for place, task in enumerate(group):
        pairs = [group_affinity(affinity, [task, other])[0] for other in group if other != task]
        assert pairs == [affinity[other, task] for other in group if other != task]
        assert group_affinity(affinity, group)[place] == pytest.approx(np.mean(pairs))


def test_the_diagonal_is_not_read_and_alone_says_what_a_task_gains_alone():
    affinity = np.array([[math.nan, 1.0], [2.0, math.inf]])
    assert group_affinity(affinity, [0, 1], alone=5.0).tolist() == [2.0, 1.0]
    assert group_affinity(affinity, [1]).tolist() == [0.0]
    assert group_affinity(affinity, [1], alone=[3.0, 4.0]).tolist() == [4.0]
    assert math.isnan(affinity[0, 0])  # What was given stays as it was.


@pytest.mark.parametrize(
    ("affinity", "group", "alone", "words"),
    [
        ([[0.0, 1.0]], [0], 0.0, r"\[T, T\]"),
        ([[0.0, math.nan], [1.0, 0.0]], [0], 0.0, r"received nan at \[0, 1\]"),
        ([[0.0, 1.0], [1.0, 0.0]], [], 0.0, "at least one task"),
        ([[0.0, 1.0], [1.0, 0.0]], [1, 1], 0.0, "each once"),
        ([[0.0, 1.0], [1.0, 0.0]], [2], 0.0, "at most 1"),
        ([[0.0, 1.0], [1.0, 0.0]], [0], [1.0], "`alone` must be"),
        ([[0.0, 1.0], [1.0, 0.0]], [0], math.nan, "`alone` must be"),
    ],
)
def test_bad_arguments_are_named(affinity, group, alone, words):
    with pytest.raises(ValueError, match=words):
        group_affinity(affinity, group, alone=alone)
