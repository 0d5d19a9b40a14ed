"""`aligned`: one data set whose examples carry labels of several tasks."""

from collections.abc import Iterable

import tensorflow as tf

from mtlzoo.data import _feed, _labels, _orders, _rows, _stream
from mtlzoo.data.scaling import scaler
from mtlzoo.task import Task, check_tasks


def aligned(
    data,
    tasks: Iterable[Task],
    *,
    batch_size: int = 32,
    shuffle: bool | int = True,
    seed: int = 0,
    normalize=None,
    ignore: int | None = -1,
    drop_remainder: bool = False,
    cache: bool = False,
) -> tf.data.Dataset:
    """Makes batches of a data set that labels all tasks; single labels may be missing.

    Args:
        data: `(x, {task: labels})` with x an array [rows, ...] or a dict of them and labels [rows, *task.label_shape]; or an
            unbatched `tf.data.Dataset` of such pairs, whose own maps want a number of parallel calls, not AUTOTUNE. NaN, None and
            `ignore` are missing labels.
        tasks: the tasks; each must be labelled.
        batch_size: rows a batch.
        shuffle: True or False; in memory over all rows. A stream is shuffled through a buffer of 10,000 rows, or of `shuffle` rows.
        seed: decides the order. Each iteration is a new epoch with a new order; see `start_at`.
        normalize: None, "unit" (uint8 to [0, 1]), a `Scaling`, or for dict inputs a dict of these; done a batch, float32.
        ignore: the label of classification tasks that means missing, or None for none.
        drop_remainder: whether to leave out a last batch of fewer rows.
        cache: whether to hold the decoded examples of a stream in memory; it is then read once, and its values checked, in this call.

    Returns:
        `tf.data.Dataset` of `(x, {task: y}, {task: weight})`: y of the task's label_dtype, [b, *label_shape], 0 where missing;
        weight float32 [b] (of y's shape for tasks with several entries), 0 where missing and 1 elsewhere.

    Raises:
        ValueError, TypeError: unknown or unlabelled tasks, labels out of range, empty data, NaN in the inputs and so on, before
            anything starts. Values of a stream are checked in the graph as they pass (tf.errors.InvalidArgumentError).

    Source: the reading of all rows by gather follows the measurement in `benchmarks/mixture.py`.

    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> data = (np.zeros((4, 3)), {"click": [0, 1, -1, 1], "price": [1.5, np.nan, 2.0, 0.5]})
    >>> x, y, weight = next(iter(aligned(data, [Task.binary("click"), Task.regression("price")], shuffle=False)))
    >>> y["click"].numpy().tolist(), weight["click"].numpy().tolist()
    ([0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0])
    """
    tasks = check_tasks(tasks)
    _feed.check_options(batch_size, shuffle, seed)
    parts = _rows.as_parts("aligned", data)
    if any(_rows.is_stream(part) for part in parts):
        dataset, spec, labelled = _stream.joined("aligned", data, tasks, ignore=ignore, cache=cache)
        _labels.check_all_labelled(tasks, labelled)
        size = int(dataset.cardinality())
        finish = scaler(normalize, spec)
        return _stream.mixed_batches(
            [dataset],
            [size] if size > 0 else None,
            None,
            finish,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_remainder=drop_remainder,
        )
    _feed.check_no_cache(cache)
    read = [_rows.read("aligned", part, tasks, ignore) for part in parts]
    _rows.check_same_inputs([("aligned", _rows.specs(part.x)) for part in read])
    rows = _rows.join(read)
    _rows.check_labelled_rows(rows, tasks)
    order = _orders.MixedOrder([rows.size], None, None, seed=seed, shuffle=shuffle is not False)
    take = _feed.taking(rows, scaler(normalize, _rows.specs(rows.x)))
    return _feed.batches(order, None, take, batch_size=batch_size, drop_remainder=drop_remainder)
