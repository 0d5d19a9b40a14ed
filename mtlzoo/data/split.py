"""`split`: cuts data sets into disjoint parts, by fractions that may differ from task to task."""

import zlib
from collections.abc import Mapping

import numpy as np

from mtlzoo import checks
from mtlzoo.data import _rows

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def split(data, fractions: Mapping = FRACTIONS, *, seed: int = 0) -> dict:
    """Splits data sets in memory into disjoint parts, at random and seeded.

    Args:
        data: `(x, labels)`, `(x, {task: labels})`, inputs alone, or `{task: data set}` as for `mixed`, where a data set may also be
            a list of data sets; arrays throughout. Use the split slices of TFDS ("train[:80%]") for a `tf.data.Dataset`.
        fractions: `{part: fraction}` with a sum of at most 1 (the rest is left out), or `{task: {part: fraction}}` for `{task: data set}`;
            a task that lacks a part is not in it. The bounds are rounded, so with a sum of 1 every row is in one part.
        seed: decides which rows go where; a data set's rows depend on its name and not on the other data sets.

    Returns:
        `{part: data}`, each of the structure of `data`.

    Raises:
        ValueError, TypeError: fractions out of range, a part that would be empty, inputs and labels of unlike lengths, a stream.

    Source: the usual hold-out split.

    >>> parts = split((np.arange(10), np.arange(10)), {"train": 0.8, "test": 0.2})
    >>> len(parts["train"][0]), len(parts["test"][0])
    (8, 2)
    """
    checks.integer("seed", seed, low=0)
    checks.instance("fractions", fractions, Mapping, "a dict of fractions by part")
    if isinstance(data, Mapping):
        nested = [isinstance(value, Mapping) for value in fractions.values()]
        if any(nested):
            checks.exact_keys("fractions", fractions, data)
        per_task = fractions if any(nested) else dict.fromkeys(data, fractions)
        parts = {}
        for name, entry in data.items():
            _check_pairs(name, entry)
            for part, held in _split_entry(entry, per_task[name], seed, name).items():
                parts.setdefault(part, {})[name] = held
        return parts
    return _split_entry(data, fractions, seed, "data")


def _check_pairs(name, entry):
    """Arrays that belong together must come as a pair: each entry is permuted by itself."""
    for part in entry if isinstance(entry, list) else [entry]:
        if not isinstance(part, tuple) and not _rows.is_stream(part):
            raise TypeError(
                f"`data` of {name!r} must be a pair (inputs, labels); received {type(part).__name__}. "
                "Named inputs of one data set go together as ({name: array}, labels)."
            )


def _split_entry(entry, fractions, seed, name):
    if isinstance(entry, list):
        _check_pairs(name, entry)
    else:
        return _split_one(entry, fractions, [seed, zlib.crc32(name.encode())], name)
    split_parts = [_split_one(one, fractions, [seed, zlib.crc32(name.encode()), index], name) for index, one in enumerate(entry)]
    return {part: [one[part] for one in split_parts] for part in fractions}


def _split_one(data, fractions, key, name):
    if _rows.is_stream(data):
        raise TypeError(
            f'`data` of {name!r} must be arrays; split a tf.data.Dataset where it is read, such as split="train[:80%]" in TFDS.'
        )
    size = _rows.read_inputs(data[0] if isinstance(data, tuple) else data, f"`data` of {name!r}")[1]
    order, bounds = np.random.default_rng(key).permutation(size), _bounds(fractions, size, name)
    return {part: _take(data, order[low:high], size, name) for part, (low, high) in bounds.items()}


def _bounds(fractions, size, name):
    checks.instance("fractions", fractions, Mapping, "a dict of fractions by part")
    total = sum(checks.number(f"fractions[{part!r}]", value, low=0, high=1, strict=True) for part, value in fractions.items())
    if not 0 < total <= 1 + 1e-9:
        raise ValueError(f"`fractions` must have a sum of at most 1; received {dict(fractions)} with a sum of {total:g}.")
    ends = np.round(np.cumsum(list(fractions.values())) * size).astype(int)
    bounds = dict(zip(fractions, zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True), strict=True))
    for part, (low, high) in bounds.items():
        if low == high:
            raise ValueError(f"`fractions` leave no row for {part!r}: {fractions[part]:g} of the {size} rows of {name!r}.")
    return bounds


def _take(data, indices, size, name):
    if isinstance(data, tuple):
        return tuple(_take(part, indices, size, name) for part in data)
    if isinstance(data, Mapping):
        return {key: _take(value, indices, size, name) for key, value in data.items()}
    array = np.asarray(data)
    if array.ndim == 0 or len(array) != size:
        raise ValueError(f"`data` of {name!r} must have labels for its {size} rows; received shape {array.shape}.")
    return array[indices]
