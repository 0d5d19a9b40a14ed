"""`DeltaM`: Δm against a baseline in the logs of every epoch."""

import math
from collections.abc import Mapping, Sequence

import keras

from mtlzoo import checks
from mtlzoo.callbacks import _keys
from mtlzoo.evaluation import delta_m
from mtlzoo.task import Task, check_tasks


class DeltaM(keras.callbacks.Callback):
    """Adds Δm against a baseline to the logs of every epoch: `val_delta_m` of the validation and `delta_m` of the training.

    Keras' callbacks can then monitor it, with `mode="max"`: + is better. They must stand behind it in the list, as in
    `[DeltaM(baseline), EarlyStopping("val_delta_m", mode="max")]`; `MultiTaskModel.fit` refuses another order.

    Δm is NaN while a value is not finite. An epoch without validation has no `val_delta_m`. `delta_m` compares metrics gathered while
    the weights moved (and with dropout) with results of a finished baseline: it says less than `val_delta_m`.

    Args:
        baseline: results by key of the logs, such as `single.evaluate(validation, return_dict=True)` or `report.results["single_task"]`
            give; of the same data as the validation.
        tasks: the tasks, or None for those of the model.
        metrics: "monitor" for the main metric of each task, or "all" for the mean over all metrics of each.

    Raises:
        ValueError: an unknown `metrics`; or, before the first step, a value of the baseline that is missing, 0 or not finite.
        TypeError: the baseline is no dict.

    Source: Maninis et al., "Attentive Single-Tasking of Multiple Tasks" (CVPR 2019); see `mtlzoo.evaluation.delta_m`.

    >>> callback = DeltaM({"price_mae": 2.0}, [Task.regression("price")])
    >>> logs = {"price_mae": 1.0, "val_price_mae": 1.5}
    >>> callback.on_epoch_end(0, logs)
    >>> logs["val_delta_m"], logs["delta_m"]
    (25.0, 50.0)
    """

    takes_several_steps = True

    def __init__(self, baseline: Mapping[str, float], tasks: Sequence[Task] | None = None, metrics: str = "monitor"):
        super().__init__()
        self.baseline = dict(checks.instance("baseline", baseline, Mapping, "a dict of results by key of the logs"))
        self.metrics = checks.one_of("metrics", metrics, ["monitor", "all"])
        self.tasks = None if tasks is None else check_tasks(tasks)
        self._compared = self.tasks
        if self.tasks is not None:
            self._check_baseline()

    def added_logs(self, model) -> tuple[str, ...]:
        """Returns the keys that it adds to the logs of an epoch, whatever the model."""
        return ("delta_m", "val_delta_m")

    def on_train_begin(self, logs=None):
        """Checks the baseline, and that the model has the metrics compared, before the first step."""
        trained = getattr(self.model, "tasks", None)
        self._compared = check_tasks(trained or ()) if self.tasks is None else self.tasks
        self._check_baseline()
        logged = {key for task in trained or self._compared for key in _keys.of_task(task)}
        for task in self._compared:
            for key in [task.monitor_key] if self.metrics == "monitor" else _keys.of_task(task):
                checks.one_of("tasks", key, logged)

    def on_epoch_end(self, epoch, logs=None):
        """Adds Δm to the logs."""
        if logs is None:
            return
        validation = {key.removeprefix("val_"): value for key, value in logs.items() if key.startswith("val_")}
        for key, found in (("delta_m", dict(logs)), ("val_delta_m", validation)):
            if all(task.monitor_key in found for task in self._compared):
                logs[key] = self._of(found)

    def _of(self, results):
        try:
            return delta_m(results, self.baseline, self._compared, metrics=self.metrics)
        except ValueError:
            if all(math.isfinite(results.get(key, 0.0)) for task in self._compared for key in _keys.of_task(task)):
                raise
            return math.nan

    def _check_baseline(self):
        same = {key: 1.0 for task in self._compared for key in _keys.of_task(task)}
        try:
            delta_m(same, self.baseline, self._compared, metrics=self.metrics)
        except ValueError as error:
            raise ValueError(str(error).replace("`baseline_results", "`baseline")) from None
