"""`PreferenceSet`: what models trained for different preferences make of the tasks, and the front among them."""

import dataclasses
import os

import numpy as np

from mtlzoo import evaluation
from mtlzoo.task import Task


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PreferenceSet:
    """Models for different preferences, their results on validation data, and the Pareto front among them.

    Args:
        tasks: the tasks.
        preferences: [n, T], float64, one row a preference; each sums to one.
        results: for each preference the dict that `model.evaluate(validation, return_dict=True)` gave.
        models: one model a preference, or a single one that is told the preference.

    Source: Pareto multi-task learning, Lin et al., NeurIPS 2019.

    >>> tasks = (Task.regression("a"), Task.regression("b"))
    >>> results = ({"a_mae": 1.0, "b_mae": 4.0}, {"a_mae": 2.0, "b_mae": 5.0}, {"a_mae": 3.0, "b_mae": 1.0})
    >>> found = PreferenceSet(tasks=tasks, preferences=np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]), results=results, models=())
    >>> found.front.tolist(), found.hypervolume(reference=[3.0, 5.0])
    ([True, False, True], 2.0)
    """

    tasks: tuple[Task, ...]
    preferences: np.ndarray
    results: tuple[dict[str, float], ...]
    models: tuple

    @property
    def points(self) -> np.ndarray:
        """The tasks' main metrics, [n, T]."""
        return np.array([[found[task.monitor_key] for task in self.tasks] for found in self.results])

    @property
    def better(self) -> tuple[str, ...]:
        """For each task "max" or "min", the direction of its main metric that is better."""
        return tuple(task.monitor[1] for task in self.tasks)

    @property
    def front(self) -> np.ndarray:
        """Which preferences no other one beats in all tasks, bool [n]."""
        return evaluation.pareto_front(self.points, self.better)

    @property
    def reference(self) -> np.ndarray:
        """The point that hypervolume counts from unless another is given, [T]: the worst of each task, moved on by a tenth of the range."""
        return np.asarray(evaluation.reference_point(self.points, self.better))

    def hypervolume(self, reference=None) -> float:
        """Returns the volume between the front and a reference point [T]; only those of one reference can be compared."""
        return evaluation.hypervolume(self.points, self.reference if reference is None else reference, self.better)

    @property
    def frame(self):
        """A `pandas.DataFrame`, one row a preference: shares `<task>_preference`, all results, and whether it is on the `front`."""
        import pandas as pd

        shares = {f"{task.name}_preference": self.preferences[:, index] for index, task in enumerate(self.tasks)}
        return pd.DataFrame(shares).join(pd.DataFrame(list(self.results))).assign(front=self.front)

    def plot(self, path: str | os.PathLike | None = None):
        """Draws the main metrics and their front, each point with its preference; writes a PNG file if there is a path."""
        names = [f"{task.name} {task.monitor[0]}" for task in self.tasks]
        labels = ["/".join(f"{share:.2f}" for share in row) for row in self.preferences]
        return evaluation.plot_front(self.points, names, self.better, path, labels=labels, reference=self.reference)
