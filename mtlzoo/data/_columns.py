"""Columns of features: their kinds, what is measured of them, and their cells as numbers that float32 can hold."""

from collections import Counter
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras.utils import FeatureSpace

from mtlzoo import checks
from mtlzoo.data import _table

UNKNOWN = "[UNK]"
KINDS = ("category", "number")


def kinds_of(frame, features):
    """Returns the kind of each feature by column, as given or inferred; inferred, columns without a value are left out."""
    if isinstance(features, Mapping):
        for name, kind in features.items():
            checks.one_of("features key", name, frame.columns)
            checks.one_of(f"kind of feature {name}", kind, KINDS)
        found = dict(features)
    else:
        names = list(frame.columns) if features is None else list(checks.instance("features", features, Sequence, "a dict or a sequence"))
        series = {name: _table.column(frame, name, "features") for name in names}
        found = {name: "number" if _table.is_number(one) else "category" for name, one in series.items() if one.notna().any()}
    if not found:
        raise ValueError(f"`features` must be at least one column with values; received {features!r} and columns {list(frame.columns)}.")
    return found


def category(series, min_count):
    """Returns the feature of a category column: its vocabulary, by how often a text occurs."""
    names, codes = _table.texts(series)
    counts = Counter()
    for name, count in zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True):
        counts[name] += count
    known = [name for name, count in counts.items() if count >= min_count and name != UNKNOWN]
    known.sort(key=lambda name: (-counts[name], name))
    lookup = keras.layers.StringLookup(vocabulary=known or [""], num_oov_indices=1, oov_token=UNKNOWN)
    return FeatureSpace.feature("string", lookup, "int")


def number(series):
    """Returns the feature of a column of numbers: their mean and variance."""
    values = numbers(series)
    there = values[~np.isnan(values)]
    if not there.size or there.min() == there.max():
        mean, variance = float(there[0]) if there.size else 0.0, 1.0
    else:
        mean, variance = float(there.mean()), float(there.var())
        _check_spread(series.name, there, mean, variance**0.5)
    return FeatureSpace.feature("float32", keras.layers.Normalization(mean=mean, variance=variance), "float")


def numbers(series):
    """Returns a column as numbers, float64, none of which is beyond float32."""
    values = _table.numbers(series, "`table`")
    bad = np.flatnonzero(np.abs(values) > np.finfo("float32").max)
    if bad.size:
        raise _table.cell_error(series, bad, "a number that float32 can hold", "`table`")
    return values


def _check_spread(name, values, mean, std):
    """Raises `ValueError` if float32, in which numbers are normalised, takes unlike values of a column for one."""
    received = f"received values of mean {mean:.6g} and standard deviation {std:.3g}"
    if np.abs(values - values.astype("float32")).max() > std / 1000:
        raise ValueError(
            f"`table`: column {name!r} must hold numbers that float32 tells apart; {received}. Subtract an offset, such as the least."
        )
    low, high = keras.config.epsilon(), float(np.finfo("float32").max) ** 0.5
    if not low <= std <= high:
        raise ValueError(
            f"`table`: column {name!r} must have a standard deviation from {low:g} to {high:.2g}; {received}. Give it another unit."
        )
