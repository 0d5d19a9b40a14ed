"""The tasks' own Keras metrics and losses of given outputs, for methods that are no Keras models."""

import keras
import numpy as np


def arrays(mixture):
    """A split as arrays: inputs, labels and weights.

    Args:
        mixture: finite `tf.data.Dataset` of `(x, {task: y}, {task: weight})`.
    """
    batches = list(mixture.as_numpy_iterator())
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)


def score(tasks, outputs, labels, weights):
    """Returns `{<task>_<metric>: value}` with each task's loss, as `MultiTaskModel.evaluate` does over all rows at once.

    Args:
        tasks: the tasks.
        outputs: dict of task name to outputs [rows, units].
        labels: dict of task name to labels [rows] or [rows, units].
        weights: dict of task name to weights, of the labels' shape or [rows]; 0 for missing labels.

    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> score([Task.regression("a", metrics=["mae"])], {"a": np.ones((2, 1))}, {"a": np.array([0.0, 9.0])}, {"a": np.array([1.0, 0.0])})
    {'a_mean_absolute_error': 1.0, 'a_loss': 1.0}
    """
    found = {}
    for task in tasks:
        there = np.asarray(weights[task.name]) if task.label_shape else np.asarray(weights[task.name]) > 0
        rows = slice(None) if task.label_shape else there
        y, output = np.asarray(labels[task.name])[rows], np.asarray(outputs[task.name], "float32")[rows]
        y = y if task.label_shape or task.kind == "multiclass" else y[:, np.newaxis]
        weight = np.asarray(weights[task.name], "float32")[rows]
        for metric in task.make_metrics():
            metric.update_state(y, output, sample_weight=weight)
            found[f"{task.name}_{metric.name}"] = float(metric.result())
        found[f"{task.name}_loss"] = float(task.make_loss()(y, output, sample_weight=weight))
    return found
