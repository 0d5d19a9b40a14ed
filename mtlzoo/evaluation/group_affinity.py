"""`group_affinity`: what the tasks of a group gain together, from what they gain two by two."""

from collections.abc import Sequence

import numpy as np

from mtlzoo import checks
from mtlzoo.evaluation import _affinities


def group_affinity(affinity, group: Sequence[int], *, alone: float | Sequence[float] = 0.0) -> np.ndarray:
    """What each task of a group gains from the others, as the mean of what it gains from each: the higher-order approximation.

    Args:
        affinity: [T, T]; entry [i, j] is how much task i helps task j, + is better. The diagonal is not read.
        group: indices of the tasks of the group, each once.
        alone: what a task gains that is trained alone: a number, or one a task, [T].

    Returns:
        The gains [len(group)], in the group's order, float64.

    Raises:
        ValueError: the matrix is not square or not finite, or the group is empty, has an index twice or one that is none.
        TypeError: an index is no whole number.

    Source: Standley et al., "Which Tasks Should Be Learned Together in Multi-task Learning?" (ICML 2020); Fifty et al., "Efficiently
        Identifying Task Groupings for Multi-Task Learning" (NeurIPS 2021), whose affinities of a task alone are 0.

    >>> group_affinity([[0.0, 0.4, -0.1], [0.2, 0.0, 0.3], [0.6, 0.1, 0.0]], [0, 2]).tolist()
    [0.6, -0.1]
    >>> group_affinity([[0.0, 0.4, -0.1], [0.2, 0.0, 0.3], [0.6, 0.1, 0.0]], [0, 1, 2]).round(6).tolist()
    [0.4, 0.25, 0.1]
    """
    affinity = _affinities.matrix(affinity)
    count = len(affinity)
    group = [checks.integer("group", index, low=0, high=count - 1) for index in group]
    if not group or len(set(group)) < len(group):
        raise ValueError(f"`group` must hold at least one task, and each once; received {group}.")
    alone = _affinities.alone(alone, count)[group]
    if len(group) == 1:
        return np.array(alone)
    pairs = affinity[np.ix_(group, group)]
    np.fill_diagonal(pairs, 0.0)
    return pairs.sum(axis=0) / (len(group) - 1)
