"""`describe`: what is in a mixture, counted."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data._labels import check_known_tasks
from mtlzoo.data._peek import peeked
from mtlzoo.task import Task, check_tasks


@dataclasses.dataclass(frozen=True)
class Description:
    """What `describe` found; `print` it, or take `to_dict()`.

    Args:
        rows: examples in an epoch.
        inputs: shape, dtype and range of the inputs, in words, by input ("x" for one).
        tasks: for each task its kind, labels there, share of missing labels, and counts by class or mean, std, min and max.
        examples: the labels of the first examples, None where missing.

    Source: `DataFrame.describe` of pandas.

    >>> Description(rows=1, inputs={"x": "float32 [2]"}, tasks={}, examples=[]).to_dict()["rows"]
    1
    """

    rows: int
    inputs: dict
    tasks: dict
    examples: list

    def to_dict(self) -> dict:
        """Returns all fields in plain types, ready for JSON."""
        return dataclasses.asdict(self)

    def __str__(self):
        lines = [f"{self.rows} examples; inputs " + "; ".join(f"{name}: {words}" for name, words in self.inputs.items())]
        for name, found in self.tasks.items():
            lines.append(f"{name} ({found['kind']}): {found['labels']} labels, {found['missing']:.1%} missing; {_summary(found)}")
        for number, example in enumerate(self.examples):
            lines.append(f"example {number}: " + ", ".join(f"{name} {_short(label)}" for name, label in example.items()))
        return "\n".join(lines)


def describe(mixture: tf.data.Dataset, tasks: Iterable[Task], *, examples: int = 3) -> Description:
    """Counts a mixture over one epoch: labels a task, missing shares, classes or mean and spread, and a few examples.

    It does not use up an epoch: the mixture gives the same order afterwards as if it had not been looked at.

    Args:
        mixture: `tf.data.Dataset` of batches `(x, {task: y}, {task: weight})`.
        tasks: tasks to describe, among those of the mixture.
        examples: how many examples to show.

    Returns:
        A `Description`.

    Raises:
        ValueError, TypeError: a task that is not in the mixture, `examples` below 0, no mixture.

    Source: `DataFrame.describe` of pandas.

    >>> from mtlzoo.data.aligned import aligned
    >>> task = Task.multiclass("digit", 3)
    >>> print(describe(aligned((np.zeros((4, 2)), {"digit": [0, 1, 1, -1]}), [task], shuffle=False), [task], examples=1))
    4 examples; inputs x: float64 [2], 0 to 0
    digit (multiclass): 3 labels, 25.0% missing; by class 0: 1, 1: 2, 2: 0
    example 0: digit 0
    """
    tasks = check_tasks(tasks)
    checks.integer("examples", examples, low=0)
    rows, ranges, totals, shown = 0, {}, {task.name: _Total(task) for task in tasks}, []
    for x, y, weights in peeked(mixture):
        check_known_tasks(totals, [Task.binary(name) for name in y], "tasks") if rows == 0 else None
        parts = x if isinstance(x, dict) else {"x": x}
        for name, part in parts.items():
            ranges[name] = _extended(ranges.get(name), part)
        for task in tasks:
            totals[task.name].add(y[task.name], weights[task.name])
        size = len(next(iter(parts.values())))
        for row in range(min(size, examples - len(shown))):
            shown.append({task.name: label_of(task, y, weights, row) for task in tasks})
        rows += size
    return Description(
        rows, {name: _range(found) for name, found in ranges.items()}, {k: total.result() for k, total in totals.items()}, shown
    )


def label_of(task, y, weights, row):
    """Returns the label of a row in plain types, None where missing."""
    label, weight = np.asarray(y[task.name][row]), np.asarray(weights[task.name][row])
    if label.ndim == 0:
        return label.item() if weight else None
    return [entry if there else None for entry, there in zip(label.tolist(), weight.tolist(), strict=True)]


class _Total:
    """Sums of the labels of one task."""

    def __init__(self, task):
        self.task, self.count, self.size = task, 0, 0
        self.classes = np.zeros(task.units if task.kind == "multiclass" else 2, "int64")
        self.sums, self.low, self.high = np.zeros(2), np.inf, -np.inf

    def add(self, labels, weights):
        there = labels[weights > 0]
        self.count, self.size = self.count + there.size, self.size + weights.size
        if self.task.kind == "regression":
            values = there.astype("float64")
            self.sums += values.sum(), (values**2).sum()
            self.low, self.high = min(self.low, values.min(initial=np.inf)), max(self.high, values.max(initial=-np.inf))
        else:
            self.classes += np.bincount(there.astype("int64").reshape(-1), minlength=len(self.classes))

    def result(self):
        found = {"kind": self.task.kind, "labels": int(self.count), "missing": 1 - self.count / max(self.size, 1)}
        if self.task.kind != "regression":
            return {**found, "classes": self.classes.tolist()}
        if not self.count:
            return {**found, "mean": None, "std": None, "min": None, "max": None}
        mean, square = self.sums / self.count
        return {**found, "mean": mean, "std": max(square - mean**2, 0.0) ** 0.5, "min": float(self.low), "max": float(self.high)}


def _extended(found, part):
    low, high = (np.min(part), np.max(part)) if part.dtype.kind in "biuf" else (None, None)
    if found is not None and low is not None:
        low, high = min(low, found[2]), max(high, found[3])
    return (part.dtype, part.shape[1:], low, high)


def _range(found):
    dtype, shape, low, high = found
    return f"{dtype} {list(shape)}" + (f", {float(low):.4g} to {float(high):.4g}" if low is not None else "")


def _summary(found):
    if "classes" in found:
        counts = found["classes"][:20]
        more = "" if len(counts) == len(found["classes"]) else ", …"
        return "by class " + ", ".join(f"{index}: {count}" for index, count in enumerate(counts)) + more
    if found["mean"] is None:
        return "none"
    return f"mean {found['mean']:.4g}, std {found['std']:.4g}, {found['min']:.4g} to {found['max']:.4g}"


def _short(label):
    if isinstance(label, list):
        return "[" + " ".join(_short(entry) for entry in label[:8]) + (" …]" if len(label) > 8 else "]")
    return "missing" if label is None else f"{label:.4g}"
