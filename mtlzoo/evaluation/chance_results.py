"""`chance_results`: what a model scores that has learnt nothing from its inputs."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mtlzoo._task_losses import TaskLosses
from mtlzoo.evaluation import _datasets
from mtlzoo.task import Task, check_tasks

_LEAST = 1e-7  # Keras' own bound of probabilities.


def chance_results(tasks: Sequence[Task], train, data) -> dict[str, float]:
    """Scores, task by task, the best constant output that the training labels give; a model worth its inputs does better.

    The constants are the frequencies of the classes, the share of ones (of each label), and the mean of the numbers (of each unit),
    or their median where the main metric is the mean absolute error: the best constants for cross-entropy, accuracy, squared and
    absolute errors. A metric with another optimum, such as F1, may have a better constant. Weights count in the constants and in
    the scores.

    Args:
        tasks: the tasks; labels of others in the data are left alone.
        train: finite `tf.data.Dataset` of batches `(x, {task: y})` or `(x, {task: y}, {task: weight})`, or a tuple of arrays of the
            same form: where the constants come from. All its labels are held in memory.
        data: the same: what they are scored on. The inputs of neither are looked at.

    Returns:
        Dict with the keys of `model.evaluate(data, return_dict=True)`: `loss` (Σ α·L), `<task>_<metric>` and `<task>_loss`.

    Raises:
        ValueError: a task has no label in `train`, or one that is NaN and has a weight; the data has no end or no batch.
        TypeError: the data is of another type.

    Source: the dummy estimators of scikit-learn (Pedregosa et al., JMLR 2011), here with the tasks' own losses and metrics.

    >>> train = (np.zeros((4, 1)), {"click": np.array([0, 0, 0, 1.0]), "price": np.array([1, 1, 2, 9.0])})
    >>> found = chance_results([Task.binary("click"), Task.regression("price")], train, train)
    >>> found["click_accuracy"], found["click_auc"], found["price_mae"]  # The median is 1.5.
    (0.75, 0.5, 2.25)
    """
    tasks = check_tasks(tasks)
    train, data = _datasets.labels_of("train", train), _datasets.labels_of("data", data)
    losses = TaskLosses(tasks)
    constants = {name: array.astype("float32") for name, array in _constants(losses, train).items()}
    metrics = {task.name: task.make_metrics() for task in tasks}
    for batch in data:
        y, outputs, weights = _picked(losses, batch, constants)
        losses.track(losses.loss_means, *losses.values(y, outputs, weights))
        for task in tasks:
            for metric in metrics[task.name]:
                metric.update_state(y[task.name], outputs[task.name], sample_weight=weights[task.name] if weights else None)
    total = losses.total(ops.convert_to_tensor([task.alpha for task in tasks], "float32"))
    scores = {f"{name}_{metric.name}": metric.result() for name, found in metrics.items() for metric in found}
    return {key: float(value) for key, value in {"loss": total, **scores, **losses.results()}.items()}


def _picked(losses, batch, constants):
    """Labels, constant outputs and weights of a batch, as a model's `evaluate` picks them."""
    y, weights = (*batch, None)[:2]
    rows = ops.shape(next(iter(y.values())) if isinstance(y, dict) else y)[0]
    outputs = {name: ops.convert_to_tensor(np.tile(constant, (rows, 1))) for name, constant in constants.items()}
    return losses.pick(y, outputs, weights)


def _constants(losses, train):
    """The constant output [units] of each task."""
    nothing = {task.name: np.zeros(task.units) for task in losses.tasks}
    labels, present = ({task.name: [] for task in losses.tasks} for _ in range(2))
    for batch in train:
        y, _, weights = _picked(losses, batch, nothing)
        for task in losses.tasks:
            found = ops.convert_to_numpy(y[task.name])
            found = found.reshape(len(found), -1).astype("float64")
            weight = ops.convert_to_numpy(weights[task.name]).astype("float64") if weights else np.ones(len(found))
            labels[task.name].append(found)
            present[task.name].append(np.broadcast_to(weight.reshape(len(found), -1), found.shape))
    return {task.name: _constant(task, np.concatenate(labels[task.name]), np.concatenate(present[task.name])) for task in losses.tasks}


def _constant(task, labels, weights):
    columns = []
    for label, weight in zip(labels.T, weights.T, strict=True):
        there = weight > 0
        label, weight = label[there], weight[there]
        if not len(label):
            raise ValueError(f"`train` must hold a label of task {task.name!r} (of each unit) with a weight above 0; received none.")
        if not np.isfinite(label).all():
            raise ValueError(f"`train` must have weight 0 where a label is missing; task {task.name!r} has labels that are not finite.")
        if task.kind == "multiclass":
            shares = np.bincount(label.astype(int), weight, minlength=task.units) / weight.sum()
            return np.log(np.maximum(shares, _LEAST)) if task.activation == "linear" else shares
        columns.append(_median(label, weight) if _absolute(task) else np.average(label, weights=weight))
    found = np.array(columns)
    if task.kind in ("binary", "multilabel") and task.activation == "linear":
        found = np.clip(found, _LEAST, 1 - _LEAST)
        return np.log(found / (1 - found))
    return found


def _absolute(task):
    """Whether the task's main metric is the mean absolute error."""
    if task.kind != "regression":
        return False
    if task.monitor[0] == "loss":
        return isinstance(task.loss, keras.losses.MeanAbsoluteError) or getattr(task.loss, "fn", None) is keras.losses.mean_absolute_error
    return isinstance(next(metric for metric in task.metrics if metric.name == task.monitor[0]), keras.metrics.MeanAbsoluteError)


def _median(values, weights):
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    places = [np.searchsorted(reached, reached[-1] / 2, side) for side in ("left", "right")]
    return values[order][places].mean()
