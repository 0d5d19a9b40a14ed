"""`Grouping`: which tasks are trained together, and which model serves which task."""

import dataclasses
import math
from collections.abc import Mapping

from mtlzoo.evaluation import _tables


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grouping:
    """Which tasks are trained together, and which model serves which task. Made by `group_tasks`.

    Args:
        names: the tasks.
        groups: for each model the tasks that it is trained on.
        served: for each model those of its tasks that it is used for; every task is in one of these. The others only help.
        gains: dict of task name to what it gains in the model that serves it.
        cost: of all models together; 1 is a model of one task.
        budget: what they were allowed to cost.

    Source: Standley et al. (ICML 2020), where a task may be trained in several networks and is served by one.

    >>> from mtlzoo.evaluation import group_tasks
    >>> found = group_tasks([[0, 0.3, -0.2], [0.1, 0, -0.1], [0.2, -0.3, 0]], 2, names=["a", "b", "c"])
    >>> found.groups, found.served
    ((('a', 'b'), ('c',)), (('a', 'b'), ('c',)))
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    served: tuple[tuple[str, ...], ...]
    gains: Mapping[str, float]
    cost: float
    budget: float

    @property
    def total(self) -> float:
        """Sum of the gains of all tasks, the greatest that there is within the budget."""
        return math.fsum(self.gains.values())

    def to_text(self) -> str:
        """Returns the models and what their tasks gain as text."""
        return _tables.text([self._table()], self._notes())

    def to_markdown(self) -> str:
        """Returns the same as Markdown."""
        return _tables.markdown("Grouping", [self._table()], self._notes())

    def _table(self):
        rows = []
        for index, (group, served) in enumerate(zip(self.groups, self.served, strict=True)):
            helpers = ", ".join(name for name in group if name not in served) or "–"
            gains = ", ".join(f"{self.gains[name]:+.3g}" for name in served)
            rows.append([f"{index + 1}", ", ".join(served), helpers, gains])
        return "Models", ["Model", "Serves", "Helped by", "Gains"], rows, 4

    def _notes(self):
        return [f"Total gain {self.total:+.4g}, + is better; cost {self.cost:g} of a budget of {self.budget:g} (1: a model of one task)."]
