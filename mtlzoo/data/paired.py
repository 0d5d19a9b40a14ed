"""`paired`: a batch of every task's own data set in each step."""

from collections.abc import Iterable, Mapping

import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import _feed, _labels, _orders, _rows, _stream
from mtlzoo.data.scaling import scaler
from mtlzoo.task import Task, check_tasks


def paired(
    data: Mapping,
    tasks: Iterable[Task],
    *,
    batch_size: int = 32,
    inputs: str = "shared",
    shuffle: bool | int = True,
    seed: int = 0,
    normalize=None,
    ignore: int | None = -1,
    drop_remainder: bool = False,
    cache: bool = False,
) -> tf.data.Dataset:
    """Makes steps that hold `batch_size` examples of every task, whatever the sizes of their data sets.

    An epoch is the longest data set once. The shorter ones are read again and again, in a new order each time; in memory
    that goes on over the epochs, while a stream starts a new pass at every epoch.

    Args:
        data: `{task: data set}`, one for every task, as in `mixed`; each carries the labels of its own task only.
        tasks: the tasks.
        batch_size: rows of each task in a step.
        inputs: "shared": one x of T · batch_size rows, task after task, with the labels of the other tasks missing. "separate":
            x is a dict `{f"{task}_input": batch}` and the inputs may be unlike.
        shuffle, seed, ignore, drop_remainder, cache: as in `aligned`.
        normalize: as in `aligned`; with "separate" inputs also a dict of choices by task.

    Returns:
        `tf.data.Dataset` of `(x, {task: y}, {task: weight})`, as in `aligned`.

    Raises:
        ValueError, TypeError: as in `mixed`; also a task without a data set, and dict inputs with "separate".

    Source: one batch a task in every step, as for multi-domain data sets such as Office-31 in LibMTL (Lin and Zhang 2023).

    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> data = {"a": (np.zeros((4, 2)), [0, 1, 0, 1]), "b": (np.ones((2, 3)), [1, 1])}
    >>> x, y, _ = next(iter(paired(data, [Task.binary("a"), Task.binary("b")], batch_size=4, inputs="separate")))
    >>> x["a_input"].shape.as_list(), x["b_input"].shape.as_list(), y["b"].numpy().tolist()
    ([4, 2], [4, 3], [1.0, 1.0, 1.0, 1.0])
    """
    tasks = check_tasks(tasks)
    _rows.check_entries(data, tasks)
    _feed.check_options(batch_size, shuffle, seed)
    shared = checks.one_of("inputs", inputs, ["shared", "separate"]) == "shared"
    _labels.check_known_tasks(data, tasks, "data key")
    _labels.check_all_labelled(tasks, data)
    options = {"batch_size": batch_size, "drop_remainder": drop_remainder}
    known = {task.name: list(tasks) if shared else [task] for task in tasks}
    if any(_rows.is_stream(part) for name, entry in data.items() for part in _rows.as_parts(name, entry)):
        read = {task.name: _stream.joined(task.name, data[task.name], known[task.name], ignore=ignore, cache=cache) for task in tasks}
        _check_own({name: labelled for name, (_, _, labelled) in read.items()})
        finishes = _finishes({name: spec for name, (_, spec, _) in read.items()}, normalize, shared)
        size = max(_stream.size_of(name, dataset) for name, (dataset, _, _) in read.items())
        parts = [dataset for dataset, _, _ in read.values()]
        return _stream.paired_batches(parts, size, _combining(tasks, finishes, shared), shuffle=shuffle, seed=seed, **options)
    _feed.check_no_cache(cache)
    read = {name: _rows.join(_rows.read_entries({name: data[name]}, known[name], ignore)[0]) for name in known}
    _check_own({name: {task for task, weights in rows.weights.items() if weights.any()} for name, rows in read.items()})
    finishes = _finishes({name: _rows.specs(rows.x) for name, rows in read.items()}, normalize, shared)
    order = _orders.PairedOrder([rows.size for rows in read.values()], seed=seed, shuffle=shuffle is not False)
    tables, combine = [_feed.tensors(rows) for rows in read.values()], _combining(tasks, finishes, shared)

    def take(indices):
        return combine([_feed.gather(table, indices[:, column]) for column, table in enumerate(tables)])

    return _feed.batches(order, len(tables), take, **options)


def _check_own(labelled):
    """Each data set must label its own task and no other."""
    for name, names in labelled.items():
        if names != {name}:
            raise ValueError(f"`data` of {name!r} must hold labels of {name!r} alone; received labels of {sorted(names)}.")


def _finishes(specs, normalize, shared):
    """The function that normalises the inputs, of all tasks or of each."""
    if shared:
        _rows.check_same_inputs(list(specs.items()))
        return [scaler(normalize, next(iter(specs.values())))]
    for name, spec in specs.items():
        if isinstance(spec, Mapping):
            raise ValueError(f'`inputs="separate"` needs one tensor a task; received a dict of inputs {sorted(spec)} in {name!r}.')
    per_task = normalize if isinstance(normalize, Mapping) else dict.fromkeys(specs, normalize)
    for name in per_task:
        checks.one_of("normalize key", name, specs)
    return [scaler(per_task.get(name), spec) for name, spec in specs.items()]


def _combining(tasks, finishes, shared):
    """The function that makes one batch of the batches of all tasks."""

    def together(groups):
        x, y, weights = tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *groups)
        return finishes[0](x), y, weights

    def apart(groups):
        x = {f"{task.name}_input": finish(group[0]) for task, finish, group in zip(tasks, finishes, groups, strict=True)}
        return x, {k: v for _, y, _ in groups for k, v in y.items()}, {k: v for _, _, w in groups for k, v in w.items()}

    return together if shared else apart
