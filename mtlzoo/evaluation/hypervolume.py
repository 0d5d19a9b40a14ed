"""`hypervolume`: how much of the space of the tasks a set of models dominates."""

from collections.abc import Sequence

import numpy as np

from mtlzoo.evaluation import _points


def hypervolume(points, reference: Sequence[float], better: Sequence[str]) -> float:
    """Volume between a reference point and a set of points, exact for any number of tasks; larger is better.

    It is the volume of all that is better than the reference and that some point is at least as good as. Two tasks take a sweep; for more
    the volume is the sum of what each point adds to those after it, cut in slices along the last task. The time grows
    with the number of points on the front, steeply so from six tasks on.

    Args:
        points: [n, T]; those that are not better than the reference in every task count nothing. n may be 0.
        reference: [T], finite; see `reference_point`.
        better: T times "max" or "min", the direction that is better.

    Returns:
        The volume, in the product of the metrics' units.

    Raises:
        ValueError: the shapes do not fit, a value is NaN, a point is infinitely good, or a direction is unknown.
        TypeError: `better` is no sequence.

    Source: Zitzler & Thiele, "Multiobjective Optimization Using Evolutionary Algorithms" (PPSN 1998); While, Bradstreet & Barone, "A Fast
        Way of Calculating Exact Hypervolumes" (IEEE TEC 2012), called WFG.

    >>> hypervolume([[1.0, 3.0], [2.0, 1.0]], [4.0, 4.0], ["min", "min"])
    7.0
    """
    costs, sign = _points.costs(points, better)
    corner, _ = _points.costs(np.atleast_2d(np.asarray(reference, "float64")), better, "reference")
    if corner.shape[0] != 1 or not np.isfinite(corner).all():
        raise ValueError(f"`reference` must be {len(sign)} finite numbers; received {reference!r}.")
    if np.isneginf(costs).any():
        raise ValueError("`points` must not be infinitely good; their volume would be infinite.")
    with np.errstate(invalid="ignore"):
        gains = corner - costs
    return float(_volume(_essential(gains[(gains > 0).all(axis=1)])))


def _essential(gains):
    """Rows that are not dominated, each once, in rising order of the last column."""
    gains = np.unique(gains, axis=0)
    gains = gains[_points.front(-gains)]
    return gains[np.argsort(gains[:, -1], kind="stable")]


def _volume(gains):
    """Volume of the union of the boxes from 0 to each row; the rows as `_essential` leaves them."""
    count, tasks = gains.shape
    if count == 0:
        return 0.0
    if count == 1 or tasks == 1:
        return gains[-1].prod()
    if tasks == 2:  # The first column falls where the last one rises.
        return np.sum(gains[:, 0] * np.diff(gains[:, 1], prepend=0.0))
    total = 0.0
    for row in range(count):
        # All later rows reach further along the last task, so up to this row's end they cover it wherever they do elsewhere.
        mine, rest = gains[row, :-1], gains[row + 1 :, :-1]
        covered = _volume(_essential(np.minimum(rest, mine))) if len(rest) else 0.0
        total += gains[row, -1] * (mine.prod() - covered)
    return total
