"""Δm: the mean relative change of the tasks against a baseline."""

import math
from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.evaluation import _metrics
from mtlzoo.task import Task, check_tasks


def delta_m(
    model_results: Mapping[str, float],
    baseline_results: Mapping[str, float],
    tasks: Sequence[Task],
    *,
    metrics: str = "monitor",
) -> float:
    """Δm in %: the mean over tasks of the mean relative change of their metrics; + is better.

    Δm = (100/T) Σ_t mean over t's metrics of ±(M − M_base)/|M_base|, with − where lower values are better. Some papers
    print the opposite sign.

    Args:
        model_results: values by key of the logs, such as `model.evaluate(data, return_dict=True)` returns.
        baseline_results: the same of the baseline, usually a single-task model a task.
        tasks: the tasks; each counts the same, whatever its alpha.
        metrics: "monitor" for the main metric of each task, or "all" for the mean over all metrics of each task.

    Returns:
        Δm in %.

    Raises:
        ValueError: a value is missing or not finite, or a value of the baseline is 0 (no change relative to it exists).

    Source: Maninis et al., "Attentive Single-Tasking of Multiple Tasks" (CVPR 2019), where − is better.

    >>> tasks = [Task.multiclass("digit", 10), Task.regression("sum")]
    >>> round(delta_m({"digit_accuracy": 0.99, "sum_mae": 0.3}, {"digit_accuracy": 0.9, "sum_mae": 0.4}, tasks), 6)
    17.5
    """
    checks.one_of("metrics", metrics, ["monitor", "all"])
    changes = []
    for task in check_tasks(tasks):
        better = _metrics.directions(task)
        found = []
        for key in _metrics.compared(task, metrics):
            value = _finite("model_results", model_results, key)
            base = _finite("baseline_results", baseline_results, key)
            if base == 0:
                raise ValueError(f"`baseline_results[{key!r}]` must not be 0: Δm divides by it. Give task {task.name!r} another monitor.")
            found.append(_metrics.change(value, base, better[key]))
        changes.append(math.fsum(found) / len(found))
    return math.fsum(changes) / len(changes)


def _finite(argument, results, key):
    value = _metrics.value_of(argument, results, key)
    if not math.isfinite(value):
        raise ValueError(f"`{argument}[{key!r}]` must be finite; received {value}.")
    return value
