"""Which metrics of a task are compared, which direction is better, and by how much a value changed."""

import math

from mtlzoo import _task_parts


def directions(task):
    """Returns the direction that is better by key of the logs, the main metric first, the loss last."""
    found = {task.monitor_key: task.monitor[1]}
    for metric in task.metrics:
        found.setdefault(f"{task.name}_{metric.name}", _task_parts.direction(metric))
    found.setdefault(f"{task.name}_loss", "min")
    return found


def compared(task, metrics):
    """Returns the keys that Δm takes of a task: the main metric, or all metrics (the loss only if it is the main one)."""
    if metrics == "monitor":
        return [task.monitor_key]
    return [key for key in directions(task) if key != f"{task.name}_loss" or key == task.monitor_key]


def value_of(argument, results, key):
    """Returns a value of the logs as a float."""
    if key not in results:
        raise ValueError(f"`{argument}` must hold {key!r}; received the keys {sorted(results)}.")
    return float(results[key])


def change(value, base, direction):
    """Returns the change in % of |base|, + is better; NaN where base is 0 or a value is not finite."""
    if base == 0 or not (math.isfinite(value) and math.isfinite(base)):
        return math.nan
    return (100 if direction == "max" else -100) * (value - base) / abs(base)
