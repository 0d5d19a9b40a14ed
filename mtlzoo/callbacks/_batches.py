"""Batches on which a callback measures, taken once, before the training starts."""

import itertools

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import start_at


def taken(data, count):
    """Returns the first batches of `data` as tuples of arrays, without using up an epoch of a mixture.

    Args:
        data: a `tf.data.Dataset` of batches `(x, y)` or `(x, y, weights)`, or one such batch.
        count: how many.

    Raises:
        ValueError: there are fewer batches, or an element has another form.
        TypeError: `data` is something else.
    """
    checks.integer("batches", count, low=1)
    checks.instance("data", data, (tf.data.Dataset, tuple), "a tf.data.Dataset of batches, or a batch (x, y) or (x, y, weights)")
    if isinstance(data, tuple):
        found = [data]
    else:
        epochs = getattr(data, "mtlzoo_epochs", None)
        before = epochs.next if epochs else None
        found = list(itertools.islice(data, count))
        if epochs:
            start_at(data, before)
    if len(found) < count:
        raise ValueError(f"`batches` must be at most the number of batches in `data`, {len(found)}; received {count}.")
    for batch in found:
        if not isinstance(batch, tuple) or len(batch) not in (2, 3):
            raise ValueError(f"`data` must have elements (x, y) or (x, y, weights); received {tf.nest.map_structure(type, batch)}.")
    return [tf.nest.map_structure(np.asarray, batch) for batch in found]
