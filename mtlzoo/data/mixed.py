"""`mixed`: several data sets in one; each example carries the labels of some of the tasks."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import _feed, _labels, _orders, _rows, _stream
from mtlzoo.data.sampling import as_sampling
from mtlzoo.data.scaling import scaler
from mtlzoo.task import Task, check_tasks


def mixed(
    data: Mapping,
    tasks: Iterable[Task],
    *,
    batch_size: int = 32,
    sampling="size",
    epoch_size: int | None = None,
    shuffle: bool | int = True,
    seed: int = 0,
    normalize=None,
    ignore: int | None = -1,
    drop_remainder: bool = False,
    cache: bool = False,
) -> tf.data.Dataset:
    """Merges data sets of like inputs; a batch holds examples of all of them, and the labels an example lacks have weight 0.

    An epoch is finite. With `sampling="size"` it is every row of every data set exactly once, shuffled over all rows. Otherwise
    it is `epoch_size` draws: the data set of each is drawn by its probability in this epoch, and its rows without replacement:
    permutation after permutation, which goes on over the epochs (a stream starts a new pass at every epoch).

    Args:
        data: `{name: data set}`. A data set is `(x, {task: labels})`, or `(x, labels)` with the task's name as its name, or an
            unbatched `tf.data.Dataset` of such pairs, or a list of these that count as one. As in `aligned` else.
        tasks: the tasks; each must be labelled by some data set.
        batch_size: rows a batch, of all data sets together.
        sampling: "size", "uniform", `by_temperature(τ)`, `annealed(epochs)`, or a function (sizes [D], epoch) -> probabilities [D].
        epoch_size: draws in an epoch, by default the rows of all data sets; not for "size".
        shuffle, seed, normalize, ignore, drop_remainder, cache: as in `aligned`; the buffer of a stream is one a data set, while
            the data sets are mixed over the whole epoch. With `shuffle=False` the rows of each data set come in order.

    Returns:
        `tf.data.Dataset` of `(x, {task: y}, {task: weight})`, as in `aligned`.

    Raises:
        ValueError, TypeError: as in `aligned`; also inputs of unlike shape or dtype, and streams of unknown length.

    Source: Raffel et al. 2020 (T5) for the kinds of sampling.

    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> data = {"digit": (np.zeros((3, 2)), [1, 2, 3]), "odd": (np.ones((2, 2)), [0, 1])}
    >>> x, y, weight = next(iter(mixed(data, [Task.multiclass("digit", 10), Task.binary("odd")], shuffle=False)))
    >>> weight["odd"].numpy().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0]
    """
    tasks = check_tasks(tasks)
    _rows.check_entries(data, tasks)
    _feed.check_options(batch_size, shuffle, seed)
    sampling = as_sampling(sampling)
    if sampling is None and epoch_size is not None:
        raise ValueError('`epoch_size` is not for sampling="size", whose epoch is every row once; see by_temperature(1.0).')
    if epoch_size is not None:
        checks.integer("epoch_size", epoch_size, low=1)
    options = {"seed": seed, "shuffle": shuffle is not False}
    if any(_rows.is_stream(part) for name, entry in data.items() for part in _rows.as_parts(name, entry)):
        read = {name: _stream.joined(name, entry, tasks, ignore=ignore, cache=cache) for name, entry in data.items()}
        _rows.check_same_inputs([(name, spec) for name, (_, spec, _) in read.items()])
        _labels.check_all_labelled(tasks, set().union(*(labelled for _, _, labelled in read.values())))
        sizes = [_stream.size_of(name, dataset) for name, (dataset, _, _) in read.items()]
        order = _orders.MixedOrder(sizes, sampling, epoch_size or sum(sizes), **options)
        finish = scaler(normalize, next(iter(read.values()))[1])
        parts = [dataset for dataset, _, _ in read.values()]
        return _stream.mixed_batches(
            parts, sizes, order, finish, batch_size=batch_size, shuffle=shuffle, seed=seed, drop_remainder=drop_remainder
        )
    _feed.check_no_cache(cache)
    read, sizes = _rows.read_entries(data, tasks, ignore)
    rows = _rows.join(read)
    _rows.check_labelled_rows(rows, tasks)
    order = _orders.MixedOrder(sizes, sampling, epoch_size or rows.size, **options)
    take = _feed.taking(rows, scaler(normalize, _rows.specs(rows.x)))
    return _feed.batches(order, None, take, batch_size=batch_size, drop_remainder=drop_remainder)
