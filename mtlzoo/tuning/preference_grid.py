"""`preference_grid`: preferences evenly spread over the simplex."""

import itertools
import math

import numpy as np

from mtlzoo import checks


def preference_grid(tasks: int, count: int = 5, *, least: float | None = None) -> np.ndarray:
    """Evenly spread preferences: each is one share a task, and the shares sum to one.

    For two tasks they lie on a line, the first task's share rising. For T tasks they are the simplex lattice of Das and Dennis, all shares
    that are multiples of 1/H: C(H + T − 1, T − 1) of them, 3, 6, 10, 15, … for three tasks. The lattice is then drawn towards its
    middle, so that every task has at least the share `least`: a task without any would keep an untrained head.

    Args:
        tasks: T, the number of tasks.
        count: how many preferences; a size that the lattice has.
        least: the least share, below 1/T; None for 0.1/T. With 0 the corners belong to one task alone.

    Returns:
        Array [count, T], float64.

    Raises:
        ValueError: the lattice has no such size (the nearest ones are given), or `least` is out of bounds.
        TypeError: an argument is no number.

    Source: Das and Dennis, "Normal-Boundary Intersection", SIAM Journal on Optimization 1998.

    >>> preference_grid(2, 3).round(3).tolist()
    [[0.05, 0.95], [0.5, 0.5], [0.95, 0.05]]
    >>> preference_grid(3, 3, least=0.0).tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    tasks, count = checks.integer("tasks", tasks, low=1), checks.integer("count", count, low=1)
    least = 0.1 / tasks if least is None else checks.number("least", least, low=0)
    if least >= 1 / tasks:
        raise ValueError(f"`least` must be below 1/{tasks}, the share of equal tasks; received {least}.")
    if count == 1:
        return np.full((1, tasks), 1 / tasks)
    steps = _steps(tasks, count)
    # Every way of setting T − 1 bars among H + T − 1 places; what lies between two bars is a task's share.
    bars = itertools.combinations(range(steps + tasks - 1), tasks - 1)
    shares = np.array([np.diff([-1, *places, steps + tasks - 1]) - 1 for places in bars]) / steps
    return least + (1 - tasks * least) * shares


def _steps(tasks, count):
    """H, for which the lattice has that size."""
    steps, size = 0, 1
    while size < count and tasks > 1:
        steps, before = steps + 1, size
        size = math.comb(steps + tasks - 1, tasks - 1)
    if size != count:
        raise ValueError(
            f"`count` must be the size of a lattice of {tasks} tasks; received {count}. "
            + (f"The nearest sizes are {before} and {size}." if tasks > 1 else "A single task has one preference.")
        )
    return steps
