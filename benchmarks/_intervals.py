"""Means over seeds, as benchmarks print them."""

import math

from mtlzoo.evaluation import mean_interval


def interval(values, digits=2):
    """Mean and half the 95 % confidence interval (Student's t) as text; the value alone if there is one."""
    mean, half = mean_interval(values)
    return f"{mean:.{digits}f}" if math.isnan(half) else f"{mean:.{digits}f} ± {half:.{digits}f}"
