"""How labels are read: filled, weighted and checked, as arrays or as tensors."""

import numpy as np
import tensorflow as tf

from mtlzoo import checks


def encode(task, labels, rows, ignore, where):
    """Returns the labels of one task with the missing ones filled by 0, and their weights.

    Args:
        task: the `Task`.
        labels: array [rows, *task.label_shape]; NaN, None or `ignore` is missing.
        rows: how many there must be.
        ignore: the value that means missing (not for regression), or None for no such value.
        where: words for the messages, such as "`data` of 'digits'".

    Returns:
        (labels of dtype task.label_dtype, weights float32), of the label's shape if `task.entrywise`, else [rows].

    Raises:
        ValueError, TypeError: of another length or shape, out of range, not whole, infinite, or no numbers.

    >>> from mtlzoo import Task
    >>> encode(Task.multiclass("digit", 3), [2, -1, 0], 3, -1, "`data`")
    (array([2, 0, 0], dtype=int32), array([1., 0., 1.], dtype=float32))
    """
    where = f"{where}: the labels of task {task.name!r}"
    array = _numbers(labels, where)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(f"{where} must be as many as the inputs, {rows}; received shape {array.shape}.")
    wanted = (rows, *task.label_shape)
    if array.shape != wanted:
        if tuple(size for size in array.shape[1:] if size != 1) != tuple(size for size in task.label_shape if size != 1):
            raise ValueError(f"{where} must have the shape {wanted} ({task.kind}); received {array.shape}.")
        array = array.reshape(wanted)
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(wanted, bool)
    if ignore is not None and task.kind != "regression":
        missing = missing | (array == ignore)
    present = array[~missing]
    bad = present[~_valid(task, present)]
    if bad.size:
        raise ValueError(f"{where} must be {_wanted(task)}; received {bad[0].item()!r} ({bad.size} such labels).")
    if task.label_shape and not task.entrywise:
        return np.where(missing, 0, array).astype(task.label_dtype), (~missing.any(axis=-1)).astype("float32")
    return np.where(missing, 0, array).astype(task.label_dtype), (~missing).astype("float32")


def encode_tensor(task, labels, rows, ignore):
    """Returns the labels of some examples, filled, and their weights; the same rule as `encode`, checked in the graph.

    Args:
        task: the `Task`.
        labels: tensor [rows, *task.label_shape], or None for examples that do not carry the task.
        rows: number of examples, an int32 tensor.
        ignore: as for `encode`.

    Returns:
        (labels of dtype task.label_dtype [rows, *task.label_shape], weights float32 [rows, *task.weight_shape]).

    Raises:
        tf.errors.InvalidArgumentError: when it runs, with the name of the task, if a label is out of range.

    >>> from mtlzoo import Task
    >>> labels, weights = encode_tensor(Task.regression("price"), tf.constant([2.0, float("nan")]), 2, -1)
    >>> labels.numpy().tolist(), weights.numpy().tolist()
    ([2.0, 0.0], [1.0, 0.0])
    """
    shape = (rows, *task.label_shape)
    if labels is None:
        return tf.zeros(shape, task.label_dtype), tf.zeros((rows, *task.weight_shape), "float32")
    labels = tf.reshape(labels if labels.dtype.is_floating else tf.cast(labels, "int64"), shape)
    missing = tf.math.is_nan(labels) if labels.dtype.is_floating else tf.zeros(shape, "bool")
    if ignore is not None and task.kind != "regression":
        missing = missing | (labels == tf.cast(ignore, labels.dtype))
    labels = tf.where(missing, tf.zeros_like(labels), labels)
    valid = _valid(task, labels)
    wanted = f"The labels of task {task.name} must be {_wanted(task)}; received"
    tf.debugging.Assert(tf.reduce_all(valid), [wanted, tf.boolean_mask(labels, ~valid)])
    if task.label_shape and not task.entrywise:
        missing = tf.reduce_any(missing, axis=-1)
    return tf.cast(labels, task.label_dtype), tf.cast(~missing, "float32")


def check_label_spec(task, spec, where):
    """Raises `ValueError` if a tensor of this spec cannot be a label of the task.

    Args:
        task: the `Task`.
        spec: `tf.TensorSpec` of one label.
        where: words for the message.

    >>> from mtlzoo import Task
    >>> check_label_spec(Task.binary("click"), tf.TensorSpec((), "int64"), "`data`")
    """
    if not isinstance(spec, tf.TensorSpec) or not (spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool):
        raise TypeError(f"{where}: the labels of task {task.name!r} must be tensors of numbers; received {spec}.")
    known = spec.shape.num_elements()
    if known is not None and known != int(np.prod(task.label_shape)):
        raise ValueError(f"{where}: the labels of task {task.name!r} must have the shape {task.label_shape}; received {spec.shape}.")


def _numbers(labels, where):
    array = np.asarray(labels)
    if array.dtype.kind == "O":
        try:
            array = np.array([np.nan if label is None else label for label in array], dtype=float)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{where} must be numbers, with None or NaN for missing; received {array[:3]!r}.") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where} must be numbers; received dtype {array.dtype}.")
    return array.astype("int64") if array.dtype.kind in "bu" else array


def _valid(task, labels):
    """Which labels (array or tensor) are in range."""
    library = tf.math if tf.is_tensor(labels) else np
    if task.kind == "multiclass":
        return (labels >= 0) & (labels < task.units) & (labels == library.floor(labels) if _floating(labels) else labels == labels)
    if task.kind in ("binary", "multilabel"):
        return (labels == 0) | (labels == 1)
    return library.abs(labels) < np.inf if _floating(labels) else labels == labels


def _floating(labels):
    return labels.dtype.is_floating if tf.is_tensor(labels) else labels.dtype.kind == "f"


def _wanted(task):
    words = {"multiclass": f"whole numbers from 0 to {task.units - 1}", "binary": "0 or 1", "multilabel": "0 or 1"}
    return words.get(task.kind, "finite numbers")


def check_known_tasks(names, tasks, where):
    """Raises `ValueError` for the first name that is no task, with the nearest one.

    Args:
        names: the names to look up.
        tasks: the tasks.
        where: the argument's name.

    >>> from mtlzoo import Task
    >>> check_known_tasks(["a"], [Task.binary("a")], "data key")
    """
    for name in names:
        checks.one_of(where, name, [task.name for task in tasks])


def check_all_labelled(tasks, labelled):
    """Raises `ValueError` for the first task that no data set labels.

    Args:
        tasks: the tasks.
        labelled: names of the tasks with a label.

    >>> from mtlzoo import Task
    >>> check_all_labelled([Task.binary("a")], {"a"})
    """
    for task in tasks:
        if task.name not in labelled:
            raise ValueError(f"`data` must hold labels of every task; no data set labels {task.name!r} (labelled: {sorted(labelled)}).")
