"""Data sets as they are given, read into checked rows of inputs, labels and weights."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import _labels


@dataclasses.dataclass(frozen=True)
class Rows:
    """A data set in memory: inputs, labels and weights with one first axis.

    Args:
        x: array [rows, ...] or a dict of them.
        y: labels by task, filled where missing.
        weights: float32 weights by task; 0 is missing.
        size: number of rows.
    """

    x: object
    y: dict
    weights: dict
    size: int


def is_stream(data):
    """Whether a data set is a `tf.data.Dataset`."""
    return isinstance(data, tf.data.Dataset)


def read(name, data, tasks, ignore):
    """Returns `Rows` for a pair of inputs and labels; tasks it does not label are missing.

    Args:
        name: the data set's name, for messages; the task's name if the labels are no dict.
        data: (x, y) or (x, {task: y}).
        tasks: all tasks.
        ignore: the label that means missing, or None.

    Returns:
        `Rows`.

    Raises:
        ValueError, TypeError: as in `mtlzoo.data.mixed`.

    >>> from mtlzoo import Task
    >>> read("a", (np.zeros((2, 3)), [0, 1]), [Task.binary("a"), Task.binary("b")], -1).weights["b"]
    array([0., 0.], dtype=float32)
    """
    where = f"`data` of {name!r}"
    if not isinstance(data, tuple) or len(data) != 2:
        wanted = "a pair (inputs, labels) or a tf.data.Dataset of such pairs"
        raise TypeError(f"{where} must be {wanted}; received {type(data).__name__}{f' of {len(data)}' if isinstance(data, tuple) else ''}.")
    x, size = read_inputs(data[0], where)
    labels = named_labels(name, data[1], tasks)
    y, weights = {}, {}
    for task in tasks:
        if task.name in labels:
            y[task.name], weights[task.name] = _labels.encode(task, labels[task.name], size, ignore, where)
        else:
            y[task.name] = np.zeros((size, *task.label_shape), task.label_dtype)
            weights[task.name] = np.zeros((size, *task.weight_shape), "float32")
    return Rows(x, y, weights, size)


def named_labels(name, labels, tasks):
    """Returns labels as a dict by task after checking the names; labels that are no dict belong to the task called `name`."""
    labels = labels if isinstance(labels, Mapping) else {name: labels}
    _labels.check_known_tasks(labels, tasks, "data label")
    return labels


def read_inputs(x, where):
    """Returns inputs as arrays after checking that they are not empty, of one length and finite, and their number of rows.

    Args:
        x: array-like [rows, ...] or a dict of them.
        where: words for the messages.

    Returns:
        (array or dict of arrays, rows).

    Raises:
        ValueError: empty, of unlike lengths, NaN or infinite.

    >>> read_inputs([[1.0], [2.0]], "`data`")[1]
    2
    """
    if isinstance(x, Mapping):
        if not x:
            raise ValueError(f"{where} must have inputs; received an empty dict.")
        read_one = {str(key): read_inputs(value, f"{where}, input {key!r}") for key, value in x.items()}
        sizes = {key: size for key, (_, size) in read_one.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{where} must have inputs of one length; received {sizes}.")
        return {key: array for key, (array, _) in read_one.items()}, next(iter(sizes.values()))
    array = np.asarray(x)
    if array.ndim == 0 or len(array) == 0 or array.size == 0:
        raise ValueError(f"{where} must not be empty; received inputs of shape {array.shape}.")
    if array.dtype.kind == "f" and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise ValueError(f"{where} must have finite inputs; received NaN or infinite values in {_unfinite(array)} rows.")
    if array.dtype.kind in "OU" and not all(isinstance(item, str | bytes) for item in array.reshape(-1)):
        raise TypeError(f"{where} must have inputs that are numbers or strings of one shape; received dtype object.")
    return array, len(array)


def specs(x):
    """Returns shape and dtype of one example of the inputs, as `tf.TensorSpec`s."""
    if isinstance(x, Mapping):
        return {key: specs(value) for key, value in x.items()}
    return tf.TensorSpec(x.shape[1:], tf.string if x.dtype.kind in "OUS" else x.dtype)


def check_same_inputs(given):
    """Raises `ValueError` if data sets of one mixture have unlike inputs.

    Args:
        given: list of (name, specs of one example).

    >>> check_same_inputs([("a", tf.TensorSpec((2,), "float32")), ("b", tf.TensorSpec((2,), "float32"))])
    """
    first_name, first = given[0]
    for name, other in given[1:]:
        if other != first:
            pair = f"{_words(first)} in {first_name!r} and {_words(other)} in {name!r}"
            raise ValueError(f"`data` must have inputs of one shape and dtype; received {pair}.")


def join(parts):
    """Returns the `Rows` of several data sets one after the other."""
    if len(parts) == 1:
        return parts[0]
    stacked = tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *[(part.x, part.y, part.weights) for part in parts])
    return Rows(*stacked, sum(part.size for part in parts))


def as_parts(name, data):
    """Returns the data sets of an entry: a list holds several, all else is one."""
    parts = list(data) if isinstance(data, list) else [data]
    if not parts:
        raise ValueError(f"`data` of {name!r} must hold at least one data set; received an empty list.")
    return parts


def check_entries(data, tasks):
    """Raises unless `data` is a dict with at least one entry."""
    checks.instance("data", data, Mapping, "a dict of data sets by task or group")
    if not data:
        raise ValueError(f"`data` must hold at least one data set for the tasks {[task.name for task in tasks]}; received an empty dict.")


def check_labelled_rows(rows, tasks):
    """Raises `ValueError` for a task without a single label that is there."""
    _labels.check_all_labelled(tasks, {name for name, weights in rows.weights.items() if weights.any()})


def _unfinite(array):
    return int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum())


def _words(spec):
    if isinstance(spec, Mapping):
        return "{" + ", ".join(f"{key}: {_words(value)}" for key, value in spec.items()) + "}"
    return f"{tuple(spec.shape)} {spec.dtype.name}"


def read_entries(data, tasks, ignore):
    """Returns the `Rows` of all data sets of all entries, in order, and the number of rows of each entry."""
    parts, named, sizes = [], [], []
    for name, entry in data.items():
        read_parts = [read(name, part, tasks, ignore) for part in as_parts(name, entry)]
        parts += read_parts
        named += [(name, specs(part.x)) for part in read_parts]
        sizes.append(sum(part.size for part in read_parts))
    check_same_inputs(named)
    return parts, sizes
