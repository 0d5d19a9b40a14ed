"""`AlphaSpace`: which alphas a search tries: T − 1 ratios to one pivot task, since a common factor of all changes nothing but the step."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from mtlzoo import checks
from mtlzoo.task import Task, check_tasks

KINDS = ("log", "simplex", "fixed")


@dataclasses.dataclass(frozen=True)
class AlphaSpace:
    """The alphas that a search tries. Every task but the pivot has its own alpha times a factor from `low` to `high`; 1 is the default.

    Args:
        kind: "log" keeps the pivot's alpha as it is; "simplex" divides all so that Σα = T, which keeps the total loss at one scale
            and with it the learning rate's meaning; "fixed" keeps all alphas as the tasks have them.
        pivot: name of the task whose factor is always 1; None for the first task.
        low: the least factor, above 0. Factors are drawn log-uniformly.
        high: the greatest factor, above `low`.
        steps: None for any factor in between; or how many, at equal ratios from `low` to `high`, with 1 added where it is none of
            them. A grid needs it: of T tasks it has steps^(T−1) points.

    Raises:
        ValueError: the range is empty, or an argument out of bounds.
        TypeError: an argument is of another type.

    Source: scalarization with tuned weights, as in Xin et al., "Do Current Multi-Task Optimization Methods in Deep Learning Even Help?"
    (NeurIPS 2022).

    >>> AlphaSpace("log", low=0.1, high=10.0, steps=3).factors()
    (0.1, 1.0, 10.0)
    """

    kind: str = "log"
    pivot: str | None = None
    low: float = 0.01
    high: float = 100.0
    steps: int | None = None

    def __post_init__(self):
        checks.one_of("kind", self.kind, KINDS)
        if self.pivot is not None:
            checks.instance("pivot", self.pivot, str, "the name of a task")
        low, high = checks.number("low", self.low, low=0, strict=True), checks.number("high", self.high)
        if low >= high:
            raise ValueError(f"`low` must be below `high`, or the range of alphas is empty; received low={low:g} and high={high:g}.")
        if self.steps is not None:
            checks.integer("steps", self.steps, low=2)

    def factors(self) -> tuple[float, ...]:
        """Returns the factors of a space with `steps`, ascending; without, none."""
        if self.steps is None:
            return ()
        made = {float(f"{factor:.6g}") for factor in np.geomspace(self.low, self.high, self.steps)}
        return tuple(sorted(made | {1.0}))

    def check(self, tasks: Sequence[Task]) -> str | None:
        """Returns the pivot's name for these tasks (None for "fixed") after checking that the space has a meaning for them.

        Args:
            tasks: the tasks of the model.
        """
        tasks = check_tasks(tasks)
        pivot = checks.one_of("pivot", self.pivot, [task.name for task in tasks]) if self.pivot is not None else tasks[0].name
        if self.kind == "fixed":
            return None
        if len(tasks) < 2:
            raise ValueError(f"`alphas` must be 'fixed' with one task: its alpha has no other to be compared with; received {self.kind!r}.")
        for task in tasks:
            if task.alpha == 0:
                raise ValueError(f"`alphas` must be 'fixed' where a task has alpha 0 (no factor changes it); task {task.name!r} has.")
        return pivot

    def declare(self, hp, tasks: Sequence[Task]) -> dict[str, float]:
        """Declares the factors as hyperparameters `alpha_<task>` and returns the alphas of this trial by task name.

        Args:
            hp: `keras_tuner.HyperParameters`.
            tasks: the tasks of the model, with their own alphas.
        """
        pivot = self.check(tasks)
        factors = {task.name: 1.0 for task in tasks}
        for task in tasks:
            if pivot is not None and task.name != pivot:
                factors[task.name] = self._factor(hp, f"alpha_{task.name}")
        return self.alphas(factors, tasks)

    def alphas(self, factors: dict[str, float], tasks: Sequence[Task]) -> dict[str, float]:
        """Returns the alphas by task name for factors by task name.

        Args:
            factors: dict of task name to the factor of its own alpha.
            tasks: the tasks.
        """
        alphas = {task.name: task.alpha * factors[task.name] for task in tasks}
        if self.kind == "simplex":
            scale = len(alphas) / math.fsum(alphas.values())
            alphas = {name: alpha * scale for name, alpha in alphas.items()}
        return alphas

    def _factor(self, hp, name):
        if self.steps is not None:
            return hp.Choice(name, list(self.factors()), default=1.0)
        return hp.Float(name, self.low, self.high, sampling="log", default=1.0)


def as_space(alphas: str | AlphaSpace) -> AlphaSpace:
    """Returns an `AlphaSpace` for one or for the name of a kind.

    Args:
        alphas: an `AlphaSpace`, or "log", "simplex" or "fixed" for the usual range.

    Returns:
        An `AlphaSpace`.

    Raises:
        ValueError, TypeError: it is neither.

    >>> as_space("simplex").kind
    'simplex'
    """
    if isinstance(alphas, AlphaSpace):
        return alphas
    checks.instance("alphas", alphas, str, "an AlphaSpace or the name of a kind")
    return AlphaSpace(checks.one_of("alphas", alphas, KINDS))
