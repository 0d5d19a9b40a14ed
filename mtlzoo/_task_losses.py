"""The task losses of a model: how labels and weights are picked by name, and means over the labels that are there."""

from collections.abc import Mapping

import keras
import tensorflow as tf
from keras import ops

from mtlzoo import _task_parts, checks


class TaskLosses:
    """Losses and their running means, one a task; not part of the saved model.

    Args:
        tasks: the model's tasks.
        readers: layers whose added loss needs the labels of several tasks: each has `read_labels(labels, weights)`, dicts by task name,
            called after the forward pass of every step.
    """

    def __init__(self, tasks, readers=()):
        self.tasks, self.readers = tasks, readers
        self.losses = [task.make_loss() for task in tasks]
        self.loss_means = [keras.metrics.Mean(name=f"{task.name}_loss") for task in tasks]
        self.weight_means = [keras.metrics.Mean(name=f"{task.name}_weight") for task in tasks]

    def pick(self, y, y_pred, sample_weight):
        """Returns labels, outputs and weights as dicts of the tasks, entries that may be missing alone as rows."""
        y = _by_name("y", y, self.tasks)
        weights = sample_weight
        if sample_weight is None or not isinstance(sample_weight, Mapping):
            weights = {task.name: ops.convert_to_tensor(sample_weight) for task in self.tasks} if sample_weight is not None else None
        else:
            weights = _by_name("sample_weight", sample_weight, self.tasks)
        outputs = dict(y_pred)
        for task in self.tasks:
            weight = weights[task.name] if weights else None
            if task.units == 1 and len(y[task.name].shape) == 1:  # A loss of one's own must not broadcast [b] against [b, 1].
                y[task.name] = ops.expand_dims(y[task.name], -1)
            if weight is not None and len(weight.shape) == 2 and (weight.shape[-1] == 1 or not task.entrywise):
                weights[task.name] = weight = _for_rows(task, weight)
            if task.entrywise and weight is not None and len(weight.shape) == 2:
                outputs[task.name] = _as_rows(outputs[task.name])
                y[task.name] = ops.expand_dims(y[task.name], -1)
        return y, {task.name: outputs[task.name] for task in self.tasks}, weights

    def __call__(self, y, y_pred, weights):
        """Returns the losses [T] and the number (or weight) of labels that each is a mean over, [T]."""
        values, counts = self.values(y, y_pred, weights)
        return ops.stack(values), counts

    def values(self, y, y_pred, weights):
        """Returns the losses as a list of scalars, so that each has a backward pass of its own, and the counts [T]."""
        values, counts = [], []
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        for task, loss in zip(self.tasks, self.losses, strict=True):
            weight = weights[task.name] if weights else None
            value = ops.cast(loss(y[task.name], y_pred[task.name], weight), "float32")
            values.append(value * replicas if replicas > 1 else value)
            labels = ops.shape(y_pred[task.name])[0] if weight is None else ops.sum(weight)
            counts.append(ops.cast(labels, "float32"))
        for layer in self.readers:
            layer.read_labels(y, weights)
        return values, ops.stack(counts)

    def results(self):
        """Returns the running means of the task losses by log key; NaN for a task that had no label yet."""
        return {mean.name: ops.where(mean.count + 0.0 > 0, mean.result(), float("nan")) for mean in self.loss_means}

    def total(self, alphas):
        """Returns Σ α_t·(mean loss of task t) over the tasks that had labels; NaN if none had."""
        counts = ops.stack([mean.count + 0.0 for mean in self.loss_means])
        means = ops.stack([mean.result() for mean in self.loss_means])
        return ops.where(ops.any(counts > 0), ops.sum(alphas * means), float("nan"))

    def track(self, means, values, counts):
        """Adds a batch's values to running means, each weighted by its number of labels."""
        for index, mean in enumerate(means):
            mean.update_state(values[index], sample_weight=counts[index])


def by_task(argument, values, tasks):
    """Returns a dict of task name to value that `compile` was given, its keys checked; {} for None."""
    if values is None:
        return {}
    checks.instance(argument, values, Mapping, "a dict by task name (Keras would give a list to the tasks in another order)")
    return {checks.one_of(f"{argument} key", name, [task.name for task in tasks]): value for name, value in values.items()}


def replaced(tasks, losses, metrics):
    """Returns the tasks with other losses and metrics, dicts by task name or None."""
    losses, metrics = by_task("loss", losses, tasks), by_task("metrics", metrics, tasks)
    changed = []
    for task in tasks:
        changes = {"loss": losses[task.name]} if task.name in losses else {}
        if task.name in metrics:
            changes |= _task_parts.new_metrics(metrics[task.name], task)
        changed.append(task.replace(**changes) if changes else task)
    return tuple(changed)


def _by_name(argument, values, tasks):
    names = [task.name for task in tasks]
    if not isinstance(values, Mapping):
        if len(tasks) == 1:
            return {names[0]: values}
        raise ValueError(f"`{argument}` must be a dict with the keys {names}; received {type(values).__name__}.")
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(f"`{argument}` must have a value for every task {names}; missing {missing}, received {list(values)}.")
    return {name: values[name] for name in names}


def _for_rows(task, weight):
    """A weight [b, 1] as [b]; anything else is refused for a task whose labels are there or not as a whole."""
    if weight.shape[-1] != 1:
        raise ValueError(f"`sample_weight[{task.name!r}]` must be [batch]; received the shape {weight.shape}.")
    return ops.squeeze(weight, axis=-1)


def _as_rows(output):
    """One row an entry, so that each has a loss and a weight of its own; Keras still finds the logits."""
    rows = ops.expand_dims(output, -1)
    if hasattr(output, "_keras_logits"):
        rows._keras_logits = ops.expand_dims(output._keras_logits, -1)
    return rows
