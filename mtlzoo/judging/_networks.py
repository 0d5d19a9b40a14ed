"""One network of a judging: trained, judged after every epoch, its epoch chosen on validation."""

import dataclasses
import math
import statistics
import time

import keras

from mtlzoo import evaluation
from mtlzoo.callbacks import SameOrder
from mtlzoo.judging._memory import Peak
from mtlzoo.judging._methods import BASELINE

RULE = (
    "Of each training the epoch counts whose validation values have the best mean rank over the tasks' main metrics "
    "(of equals the first); single-task models are a model a task, so each task has its own."
)


def run_config(config, method, alphas, seed):
    """The run of a method and a seed, as `runs.train` would take it."""
    return dataclasses.replace(config.run, architecture=method.architecture, balancer=method.balancer, alphas=dict(alphas), seed=seed)


def train(config, splits, apart):
    """Trains a network of a run and returns its cell: results at the chosen epoch, and what was measured.

    Args:
        config: the `RunConfig`.
        splits: its data.
        apart: whether its tasks share nothing, so that each has an epoch of its own.
    """
    peak, model = Peak(), config.build(splits)
    watch = _Watch(splits)
    history = model.fit(
        splits.train, validation_data=splits.validation, epochs=config.epochs, verbose=0, callbacks=[SameOrder(splits.train), watch]
    ).history
    validation = [
        {key.removeprefix("val_"): values[epoch] for key, values in history.items() if key.startswith("val_")}
        for epoch in range(config.epochs)
    ]
    epochs = best_epochs(validation, splits.tasks, apart)
    return {
        "epochs": epochs,
        "validation": _at(epochs, validation, splits.tasks),
        "test": _at(epochs, watch.test, splits.tasks),
        "parameters": model.count_params(),
        "step_ms": watch.step_ms,
        "seconds": sum(watch.seconds),
        "peak_mib": peak.mib(),
        "alphas": dict(model.alphas),
    }


def best_epochs(validation, tasks, apart=False):
    """The epoch of each task by the mean rank among all epochs; one for all tasks unless they are apart.

    Args:
        validation: a list of results by key, one an epoch.
        tasks: the tasks.
        apart: whether each task has an epoch of its own.

    Returns:
        Dict of task name to epoch, from 0.

    >>> from mtlzoo import Task
    >>> epochs = [{"a_mae": 3.0, "b_mae": 1.0}, {"a_mae": 2.0, "b_mae": 2.0}, {"a_mae": 1.0, "b_mae": 2.5}]
    >>> best_epochs(epochs, [Task.regression("a"), Task.regression("b")], apart=True)
    {'a': 2, 'b': 0}
    """
    groups = [[task] for task in tasks] if apart else [list(tasks)]
    found = {}
    for group in groups:
        ranks = evaluation.mean_ranks({str(epoch): results for epoch, results in enumerate(validation)}, group)
        best = min(range(len(validation)), key=lambda epoch: ranks[str(epoch)])
        found |= {task.name: best for task in group}
    return found


def failed(error, splits, method):
    """The cell of a network whose training stopped for a loss that is not finite: no values, and the reason."""
    values = {task.monitor_key: math.nan for task in splits.tasks}
    nothing = dict.fromkeys(("parameters", "step_ms", "seconds", "peak_mib"))
    return {"error": " ".join(str(error).split()), "epochs": {}, "validation": values, "test": values, "alphas": {}, **nothing}


def is_apart(method):
    """Whether a method's tasks share nothing."""
    return method.architecture == BASELINE


def _at(epochs, results, tasks):
    """Of the results by epoch each task's own, at its epoch."""
    keys = {task.name: [f"{task.name}_{metric.name}" for metric in task.metrics] + [f"{task.name}_loss"] for task in tasks}
    return {key: float(results[epochs[name]][key]) for name in keys for key in keys[name]}


class _Watch(keras.callbacks.Callback):
    """Times the steps alone, and judges on the test data; what is chosen later is chosen by validation."""

    def __init__(self, splits):
        super().__init__()
        self.splits, self.test, self.seconds, self.steps = splits, [], [], []

    @property
    def step_ms(self):
        """The median over epochs of a step's mean time in ms, without the first epoch, which traces; None if there is no other."""
        times = [1000 * time / steps for time, steps in zip(self.seconds, self.steps, strict=True)][1:]
        return statistics.median(times) if times else None

    def on_epoch_begin(self, epoch, logs=None):
        self._training, self._before = True, int(self.model.optimizer.iterations)
        self._start = time.perf_counter()

    def on_test_begin(self, logs=None):
        if self._training:
            self.seconds.append(time.perf_counter() - self._start)
            self.steps.append(int(self.model.optimizer.iterations) - self._before)
        self._training = False

    def on_epoch_end(self, epoch, logs=None):
        self.test.append(self.model.evaluate(self.splits.test, verbose=0, return_dict=True))
