"""Means over seeds, as benchmarks print them."""

import numpy as np
from scipy import stats


def interval(values, digits=2):
    """Mean and half the 95 % confidence interval (Student's t) as text; the value alone if there is one."""
    values = np.asarray(values)
    if len(values) < 2:
        return f"{values.mean():.{digits}f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.{digits}f} ± {half:.{digits}f}"
