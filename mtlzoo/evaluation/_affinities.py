"""How matrices of affinities and names of tasks are read."""

import numpy as np

from mtlzoo import checks


def matrix(affinity):
    """Returns an affinity matrix [T, T] as float64 after checking it; its diagonal may be NaN."""
    found = np.array(affinity, "float64")
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not len(found):
        raise ValueError(f"`affinity` must be [T, T], of a step on the row's task on the column's; received the shape {found.shape}.")
    apart = ~np.eye(len(found), dtype=bool)
    if not np.isfinite(found[apart]).all():
        row, column = np.argwhere(apart & ~np.isfinite(found))[0]
        raise ValueError(f"`affinity` must be finite off its diagonal; received {found[row, column]} at [{row}, {column}].")
    return found


def names(given, count):
    """Returns the names of tasks, "task0", "task1" and so on if none are given."""
    found = tuple(f"task{index}" for index in range(count)) if given is None else tuple(given)
    for name in found:
        checks.instance("names", name, str, "names of tasks")
    if len(found) != count or len(set(found)) < count:
        raise ValueError(f"`names` must be {count} unlike names, one a row of `affinity`; received {list(found)}.")
    return found


def alone(given, count):
    """Returns what tasks gain alone, [T], from a number or one a task."""
    found = np.asarray(given, "float64")
    if found.shape not in ((), (count,)) or not np.isfinite(found).all():
        raise ValueError(f"`alone` must be a finite number, or {count} of them, one a task; received {given!r}.")
    return np.broadcast_to(found, count)
