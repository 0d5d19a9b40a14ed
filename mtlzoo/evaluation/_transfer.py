"""`Transfer`: how each task fares in a multi-task model against a model of its own."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from mtlzoo.evaluation import _render, _tables
from mtlzoo.evaluation.mean_interval import mean_interval
from mtlzoo.task import Task

VERDICTS = ("positive", "negative", "undecided", "unlearnable")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transfer:
    """How each task fares in a multi-task model against a model of its own. Made by `transfer`.

    Args:
        tasks: the tasks.
        multi: dict of task name to the values of its main metric in multi-task models, one a seed.
        single: the same in single-task models.
        chance: dict of task name to the value of the best constant output; empty if it was not given.
        changes: dict of task name to Δ in % of the single-task mean, + is better; NaN where that is 0 or a value is not finite.
        halves: dict of task name to half the confidence interval of Δ in %; NaN where there is none.
        verdicts: dict of task name to "positive", "negative", "undecided" or "unlearnable".
        paired: dict of task name to whether runs were compared seed by seed.
        confidence: of each task's interval by itself.

    Source: negative transfer as in Standley et al. (ICML 2020), with intervals.

    >>> from mtlzoo.evaluation import transfer
    >>> found = transfer({"a": [0.9, 0.8, 0.8]}, {"a": [2.0, 2.0, 2.1]}, [Task.regression("a")])
    >>> found.verdicts, round(found.changes["a"], 1)
    ({'a': 'positive'}, 59.0)
    """

    tasks: tuple[Task, ...]
    multi: Mapping[str, Sequence[float]]
    single: Mapping[str, Sequence[float]]
    chance: Mapping[str, float]
    changes: Mapping[str, float]
    halves: Mapping[str, float]
    verdicts: Mapping[str, str]
    paired: Mapping[str, bool]
    confidence: float

    def having(self, verdict: str) -> tuple[str, ...]:
        """Returns the names of the tasks with a verdict, in the order of the tasks."""
        return tuple(task.name for task in self.tasks if self.verdicts[task.name] == verdict)

    @property
    def summary(self) -> str:
        """Says in one sentence whom multi-task learning helped, whom it hurt, and of whom that cannot be said."""
        helped, hurt, undecided, unlearnable = (self.having(verdict) for verdict in VERDICTS)
        told = [
            f"helped {self._with_changes(helped)}" if helped else "is not shown to have helped any task",
            f"hurt {self._with_changes(hurt, ', negative transfer')}" if hurt else "is not shown to have hurt any",
        ]
        if undecided:
            told.append(f"cannot be said to have helped or hurt {_listed(undecided)}")
        lost = ""
        if unlearnable:
            lost = f"; {_listed(unlearnable)} came out no better than a constant in either kind of model, so there is no transfer to judge"
        return f"Against single-task models, multi-task learning {', '.join(told[:-1])} and {told[-1]}{lost}."

    def to_text(self) -> str:
        """Returns table and summary as text."""
        return _tables.text([self._table()], self._notes())

    def to_markdown(self) -> str:
        """Returns table and summary as Markdown."""
        return _tables.markdown("Transfer", [self._table()], self._notes())

    def to_dict(self) -> dict:
        """Returns all that it says in plain types; what is no finite number is None."""
        tasks = {
            task.name: {
                "monitor": task.monitor_key,
                "multi": [_plain(value) for value in self.multi[task.name]],
                "single": [_plain(value) for value in self.single[task.name]],
                "chance": _plain(self.chance.get(task.name, math.nan)),
                "change_percent": _plain(self.changes[task.name]),
                "half_percent": _plain(self.halves[task.name]),
                "paired": self.paired[task.name],
                "verdict": self.verdicts[task.name],
            }
            for task in self.tasks
        }
        return {"tasks": tasks, "confidence": self.confidence, "summary": self.summary}

    def _with_changes(self, names, note=""):
        return _listed([f"{name} ({with_interval(self.changes[name], self.halves[name])} %{note})" for name in names])

    def _table(self):
        header = ["Task", "Verdict", "Metric", "Single-task", "Multi-task", *["Chance"] * bool(self.chance), "Change, %", "Seeds"]
        rows = []
        for task in self.tasks:
            name = task.name
            means = [_mean(values[name], self.confidence) for values in (self.single, self.multi)]
            chance = [_render.number(self.chance[name])] if self.chance else []
            counts = len(self.single[name]), len(self.multi[name])
            seeds = f"{counts[0]}" if self.paired[name] else f"{counts[0]} / {counts[1]}"
            metric = f"{task.monitor[0]} {_render.ARROWS[task.monitor[1]]}"
            rows.append([name, self.verdicts[name], metric, *means, *chance, with_interval(self.changes[name], self.halves[name]), seeds])
        return "Transfer", header, rows, 3

    def _notes(self):
        interval = f"Mean ± half the {100 * self.confidence:g} % interval over seeds, of each task by itself"
        return [f"{interval}; changes in % of the single-task mean, + is better.", self.summary]


def with_interval(change, half):
    """Returns a change with its interval as text, without the unit."""
    if not math.isfinite(change):
        return "–"
    return f"{change:+.2f}" + (f" ± {half:.2f}" if math.isfinite(half) else "")


def _mean(values, confidence):
    mean, half = mean_interval(values, confidence=confidence)
    text = _render.number(mean)
    return text + (f" ± {half:.{len(text.partition('.')[2])}f}" if math.isfinite(half) else "")


def _listed(names):
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _plain(value):
    return float(value) if math.isfinite(value) else None
