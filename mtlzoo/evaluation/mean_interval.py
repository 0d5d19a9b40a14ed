"""`mean_interval`: a mean over seeds with its confidence interval."""

from collections.abc import Sequence

import numpy as np

from mtlzoo.evaluation import _confidence


def mean_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """Mean of values and half the width of its confidence interval, by Student's t.

    Args:
        values: [n], one value a seed, at least one.
        confidence: probability with which intervals made in this way hold the true mean, above 0 and below 1.

    Returns:
        Mean and half width; the mean lies within mean ± half. Half is NaN for one value, from which no interval can be told.
        Both are NaN where a value is not finite.

    Raises:
        ValueError: there is no value, they are no list of numbers, or `confidence` is out of bounds.

    Source: Student, "The probable error of a mean" (Biometrika 1908).

    >>> mean, half = mean_interval([1.0, 2.0, 3.0])
    >>> mean, round(half, 4)
    (2.0, 2.4841)
    """
    from scipy import stats

    confidence = _confidence.checked(confidence)
    values = np.asarray(values, "float64")
    if values.ndim != 1 or not len(values):
        raise ValueError(f"`values` must be [n] with at least one value; received the shape {values.shape}.")
    if not np.isfinite(values).all():
        return float("nan"), float("nan")
    if len(values) == 1:
        return float(values[0]), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * error)
