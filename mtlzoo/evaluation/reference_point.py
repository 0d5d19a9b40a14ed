"""`reference_point`: the corner from which the hypervolume of a front is measured."""

from collections.abc import Sequence

import numpy as np

from mtlzoo import checks
from mtlzoo.evaluation import _points


def reference_point(points, better: Sequence[str], *, margin: float = 0.1) -> np.ndarray:
    """The worst value of each task among points, made worse still by a share of the task's range.

    The margin lets points at the ends of the front count. Hypervolumes can be compared only if they have the same reference:
    take it from the points of all methods together.

    Args:
        points: [n, T], at least one.
        better: T times "max" or "min", the direction that is better.
        margin: share of the range, at least 0. Where all values of a task are equal, the share of their size, or of 1 if they are 0.

    Returns:
        The reference point [T], float64.

    Raises:
        ValueError: there is no point, the shapes do not fit, a value is not finite, or a direction is unknown.
        TypeError: `better` is no sequence.

    Source: Ishibuchi et al., "How to Specify a Reference Point in Hypervolume Calculation" (Evolutionary Computation 2018): slightly worse
        than the worst values.

    >>> reference_point([[0.5, 3.0], [1.0, 5.0]], ["max", "min"], margin=0.5).tolist()
    [0.25, 6.0]
    """
    margin = checks.number("margin", margin, low=0)
    costs, sign = _points.costs(points, better)
    if not len(costs) or not np.isfinite(costs).all():
        raise ValueError(f"`points` must be at least one and finite; received {len(costs)} of which {_finite(costs)} are finite.")
    worst = costs.max(axis=0)
    span = worst - costs.min(axis=0)
    span = np.where(span > 0, span, np.where(worst != 0, np.abs(worst), 1.0))
    return (worst + margin * span) * sign


def _finite(costs):
    return int(np.isfinite(costs).all(axis=1).sum())
