"""`pareto_front`: which models are the best for some weighing of the tasks."""

from collections.abc import Sequence

import numpy as np

from mtlzoo.evaluation import _points


def pareto_front(points, better: Sequence[str]) -> np.ndarray:
    """Says which points are on the Pareto front: no other point is at least as good in every task and better in one.

    Args:
        points: [n, T], one row a model, one column a task's metric; n may be 0.
        better: T times "max" or "min", the direction that is better.

    Returns:
        Booleans [n]. Equal points on the front are all on it.

    Raises:
        ValueError: the shapes do not fit, a point has NaN, or a direction is unknown.
        TypeError: `better` is no sequence.

    Source: Sener & Koltun, "Multi-Task Learning as Multi-Objective Optimization" (NeurIPS 2018), definition 1.

    >>> pareto_front([[0.9, 3.0], [0.8, 2.0], [0.7, 2.5]], ["max", "min"]).tolist()
    [True, True, False]
    """
    return _points.front(_points.costs(points, better)[0])
