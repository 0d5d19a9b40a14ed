"""How points, one a model and with one value a task, are read and turned so that lower is better."""

import numpy as np

from mtlzoo import checks


def signs(better, count=None):
    """Returns −1 where higher is better and 1 where lower is, [T]."""
    if isinstance(better, str) or not hasattr(better, "__iter__"):
        raise TypeError(f'`better` must be a sequence of "max" or "min", one a task; received {better!r}.')
    found = np.array([-1.0 if checks.one_of("better", way, ["max", "min"]) == "max" else 1.0 for way in better])
    if not len(found) or count not in (None, len(found)):
        raise ValueError(f"`better` must have one direction a task ({count or 'at least one'}); received {len(found)}.")
    return found


def costs(points, better, argument="points"):
    """Returns points [n, T] as costs, lower is better, and the signs [T]; NaN is refused."""
    sign = signs(better)
    points = np.asarray(points, "float64")
    if points.size == 0 and points.ndim < 2:
        points = points.reshape(0, len(sign))
    if points.ndim != 2 or points.shape[1] != len(sign):
        raise ValueError(f"`{argument}` must be [n, {len(sign)}], one column a direction in `better`; received the shape {points.shape}.")
    rows = np.flatnonzero(np.isnan(points).any(axis=1))
    if len(rows):
        raise ValueError(f"`{argument}` must not hold NaN; received it in row {rows[0]}. Leave out runs that failed.")
    return points * sign, sign


def front(costs):
    """Returns which rows of costs [n, T] no other row is better than, [n]; of equal rows all or none."""
    kept = np.zeros(len(costs), bool)
    # A row that is at least as good everywhere comes first in this order, so only the front so far need be looked at.
    for row in np.lexsort(costs.T[::-1]):
        ahead = costs[kept]
        kept[row] = not ((ahead <= costs[row]).all(axis=1) & (ahead < costs[row]).any(axis=1)).any()
    return kept
