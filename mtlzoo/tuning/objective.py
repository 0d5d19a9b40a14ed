"""`Objective`: what a search over alphas, architectures and the like makes as great as it can; never a sum that alphas weigh."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.evaluation import _metrics, delta_m
from mtlzoo.task import Task, check_tasks

DELTA_M = "delta_m"
TOTALS = ("loss", "total", "total_loss")


@dataclasses.dataclass(frozen=True)
class Objective:
    """A number made from the logs of `fit` or `evaluate`; more is better, whatever the metrics' own directions. Made by `objective`.

    Args:
        name: the objective in words, for tables.
        tasks: the tasks of the model.
        weights: dict of a key of the logs (without `val_`), or "delta_m", to its weight.
        baseline: results of single-task models by key of the logs (without `val_`), or None; "delta_m" needs it.

    Source: the house's rule that alphas are tuned on what does not depend on them.

    >>> score = objective({"digit": 1.0, "sum": 0.5}, [Task.multiclass("digit", 10), Task.regression("sum")])
    >>> score.name, score.score({"val_digit_accuracy": 0.9, "val_sum_mae": 0.2})
    ('digit_accuracy - 0.5 sum_mae', 0.8)
    """

    name: str
    tasks: tuple[Task, ...]
    weights: Mapping[str, float]
    baseline: Mapping[str, float] | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether results of single-task models are needed (and must be given before `score`)."""
        return DELTA_M in self.weights

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the logs that are read, without `val_`."""
        own = [task.monitor_key for task in self.tasks] if self.needs_baseline else []
        return tuple(dict.fromkeys(own + [key for key in self.weights if key != DELTA_M]))

    def with_baseline(self, baseline: Mapping[str, float]) -> "Objective":
        """Returns the objective with the results of single-task models, which are checked."""
        return dataclasses.replace(self, baseline=_checked_baseline(baseline, self.tasks))

    def score(self, results: Mapping[str, float]) -> float:
        """Returns the objective's value, greater is better; NaN where a value that it reads is not finite (training diverged).

        Args:
            results: logs of `fit` or results of `evaluate`; where `val_<key>` and `<key>` are both there, the validation counts.
        """
        values = {key: self._value(results, key) for key in self.keys}
        if not all(math.isfinite(value) for value in values.values()):
            return math.nan
        return math.fsum(weight * self._signed(key, values) for key, weight in self.weights.items())

    def _value(self, results, key):
        return _metrics.value_of("results", results, f"val_{key}" if f"val_{key}" in results else key)

    def _signed(self, key, values):
        if key == DELTA_M:
            if self.baseline is None:
                raise ValueError("`baseline` must be the results of single-task models: Δm is the change against them; received None.")
            return delta_m(values, self.baseline, self.tasks)
        return values[key] if _directions(self.tasks)[key] == "max" else -values[key]


def objective(objective: str | Mapping[str, float], tasks: Sequence[Task], baseline: Mapping[str, float] | None = None) -> Objective:
    """Makes the objective of a search from its name, or from several names with weights.

    Args:
        objective: "delta_m" for the mean relative change in % against single-task models; a task's name for its main metric;
            "<task>_<metric>" or "<task>_loss", with or without "val_"; or a dict of these to weights above 0, whose weighted sum it
            then is, each value with − where lower is better. Values are summed as they are: the weights bring them to one scale.
        tasks: the tasks of the model.
        baseline: for "delta_m", results of single-task models, by key as `evaluate` or the logs give them; may come later.

    Returns:
        An `Objective`.

    Raises:
        ValueError: a name is no task's or metric's, or is the total loss; a weight is not above 0; the baseline lacks a value.
        TypeError: an argument is of another type.

    Source: Maninis et al. (CVPR 2019) for Δm.

    >>> tasks = [Task.multiclass("digit", 10), Task.regression("sum")]
    >>> objective("sum", tasks).score({"sum_mae": 0.25})
    -0.25
    >>> round(objective("delta_m", tasks, {"digit_accuracy": 0.5, "sum_mae": 0.4}).score({"digit_accuracy": 0.6, "sum_mae": 0.2}), 6)
    35.0
    """
    tasks = check_tasks(tasks)
    checks.instance("objective", objective, (str, Mapping), "a name or a dict of names to weights")
    given = {objective: 1.0} if isinstance(objective, str) else dict(objective)
    if not given:
        raise ValueError("`objective` must name at least one task or metric; received an empty dict.")
    weights = {}
    for name, weight in given.items():
        key = _key(name, tasks)
        if key in weights:
            raise ValueError(f"`objective` must name each metric once; {name!r} is {key!r}, which is there already.")
        weights[key] = checks.number(f"objective[{name!r}]", weight, low=0, strict=True)
    checked = None if baseline is None else _checked_baseline(baseline, tasks)
    return Objective(_in_words(weights, tasks), tasks, weights, checked)


def of_tasks(given: str | Mapping[str, float] | Objective, tasks: Sequence[Task]) -> Objective:
    """Returns an objective for these tasks: one that was made for them, or what `objective` makes.

    Args:
        given: an `Objective`, or a name or dict as for `objective`.
        tasks: the tasks of the model.

    Returns:
        An `Objective`.

    Raises:
        ValueError: the objective was made for other tasks; or as `objective`.

    >>> of_tasks("sum", [Task.regression("sum")]).name
    '-sum_mae'
    """
    if not isinstance(given, Objective):
        return objective(given, tasks)
    own, names = ([task.name for task in these] for these in (given.tasks, tasks))
    if sorted(own) != sorted(names):
        raise ValueError(f"`objective` must be made for the tasks of the model, {names}; received one for {own}.")
    return given


def _key(name, tasks):
    """The key of the logs, or "delta_m", for a name that a user gave."""
    checks.instance("objective", name, str, "a name or a dict of names to weights")
    key = name.removeprefix("val_")
    monitors = {task.name: task.monitor_key for task in tasks}
    if name in monitors:
        return monitors[name]
    if key in TOTALS:
        raise ValueError(
            f"`objective` must not be the total loss, which the alphas weigh: the smallest alphas would win; received {name!r}. "
            f"Use {DELTA_M!r}, a task such as {tasks[0].name!r}, or several with weights."
        )
    known = [DELTA_M, *_directions(tasks)]
    if key not in known:
        raise checks.unknown_name("objective", name, [*monitors, *known])
    return key


def _directions(tasks):
    return {key: direction for task in tasks for key, direction in _metrics.directions(task).items()}


def _checked_baseline(baseline, tasks):
    """Results without `val_`, once Δm can be taken against them."""
    checks.instance("baseline", baseline, Mapping, "a dict of results of single-task models")
    found = {key: float(value) for key, value in baseline.items() if not key.startswith("val_")}
    found |= {key.removeprefix("val_"): float(value) for key, value in baseline.items() if key.startswith("val_")}
    delta_m({task.monitor_key: 1.0 for task in tasks}, found, tasks)
    return found


def _in_words(weights, tasks):
    """Such as `digit_accuracy - 0.5 sum_mae`."""
    text = ""
    for key, weight in weights.items():
        minus = key != DELTA_M and _directions(tasks)[key] == "min"
        sign = (" - " if minus else " + ") if text else ("-" if minus else "")
        text += sign + (key if weight == 1 else f"{weight:g} {key}")
    return text
