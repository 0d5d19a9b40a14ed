"""`Judgement`: methods side by side over seeds, with intervals, verdicts and one sentence as the answer."""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtlzoo import evaluation, files
from mtlzoo.judging import _answer, _page, _pictures, _tables
from mtlzoo.judging._methods import BASELINE, Method
from mtlzoo.judging.config import JudgingConfig
from mtlzoo.task import Task

MARGIN = 1.0  # By how many % a task must come out better than a constant to count as learnt.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """Methods side by side over seeds on the same data: does multi-task learning help here? Made by `judge`.

    Args:
        config: what was judged.
        tasks: the tasks.
        methods: the methods, single-task models first.
        cells: dict of method name to its cells, one a seed in the order of the seeds: "test" and "validation" results at the chosen
            epochs, "epochs" by task, "parameters", "step_ms", "seconds", "peak_mib" and "alphas"; "error" where training failed.
        chance: what the best constant output reaches on the test data, one dict a seed.
        info: where the data are from.
        sizes: rows by split.

    Source: Maninis et al. (CVPR 2019) for Δm, Navon et al. (ICML 2022) for the mean rank.

    >>> cells = {name: [{"validation": {"a_mae": v}, "test": {"a_mae": v}}] for name, v in {"single_task": 2.0, "mtl": 1.0}.items()}
    >>> methods = (Method("single_task", "single_task"), Method("mtl", "hard_sharing"))
    >>> made = Judgement(config=JudgingConfig(seeds=1), tasks=(Task.regression("a"),), methods=methods, cells=cells)
    >>> made.delta_m["mtl"], made.mean_ranks
    ((50.0, nan), {'single_task': 2.0, 'mtl': 1.0})
    """

    config: JudgingConfig
    tasks: tuple[Task, ...]
    methods: tuple[Method, ...]
    cells: Mapping[str, Sequence[Mapping]]
    chance: Sequence[Mapping[str, float]] = ()
    info: str = ""
    sizes: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def results(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Mean and half the 95 % interval over seeds of each task's main metric, by method and task."""
        return {
            method.name: {task.name: evaluation.mean_interval(self.values(method.name, task)) for task in self.tasks}
            for method in self.methods
        }

    @property
    def delta_m(self) -> dict[str, tuple[float, float]]:
        """Mean and half the 95 % interval over seeds of Δm in % against the single-task models of the same seed, by method."""
        return {method.name: evaluation.mean_interval(self.delta_m_by_seed(method.name)) for method in self.methods[1:]}

    @property
    def mean_ranks(self) -> dict[str, float]:
        """Mean rank over tasks and seeds among all methods, by method; 1 is best."""
        return self._ranks("test", [method.name for method in self.methods])

    @property
    def best(self) -> str:
        """The multi-task method of the best mean rank on validation, which answers for multi-task learning on test."""
        names = [method.name for method in self.methods if method.multi_task]
        ranks = self._ranks("validation", names)
        return min(names, key=ranks.get)

    @property
    def transfers(self) -> dict[str, "evaluation.Transfer"]:
        """The verdict a task of each multi-task method against single-task models, by method."""
        first = self.chance[0] if self.chance else {}
        chance = {key: math.fsum(found[key] for found in self.chance) / len(self.chance) for key in first} or None
        single = [cell["test"] for cell in self.cells[BASELINE]]
        return {
            method.name: evaluation.transfer(
                [cell["test"] for cell in self.cells[method.name]], single, self.tasks, chance=chance, margin=MARGIN
            )
            for method in self.methods
            if method.multi_task
        }

    @property
    def stands(self) -> dict[str, str]:
        """How each method's Δm stands to the greatest: "best", "tie" (their paired difference's 95 % interval holds 0), "below" or "?"."""
        return _answer.stands(self)

    @property
    def answer(self) -> str:
        """Says in one sentence whether multi-task learning helps on these data, as far as the seeds can tell."""
        return _answer.answer(self)

    @property
    def others(self) -> str:
        """Says how scikit-learn's methods stand to the multi-task method that answers; empty where there are none."""
        return _answer.others(self)

    @property
    def notes(self) -> list[str]:
        """What must be known to read the tables: how epochs and alphas were chosen, what the other methods are, what failed."""
        return _answer.notes(self)

    def values(self, method: str, task: Task) -> list[float]:
        """Returns the main metric of a task on test by seed.

        Args:
            method: a method's name.
            task: one of the tasks.
        """
        return [cell["test"][task.monitor_key] for cell in self.cells[method]]

    def delta_m_by_seed(self, method: str) -> list[float]:
        """Returns Δm in % against the single-task models by seed; NaN where a value is not finite or theirs is 0.

        Args:
            method: a method's name.
        """
        found = []
        for cell, base in zip(self.cells[method], self.cells[BASELINE], strict=True):
            try:
                found.append(evaluation.delta_m(cell["test"], base["test"], self.tasks))
            except ValueError:
                found.append(math.nan)
        return found

    def cost(self, method: str, key: str) -> float:
        """Returns the mean over seeds of what a method took; NaN where it was not measured.

        Args:
            method: a method's name.
            key: "parameters", "step_ms", "seconds" or "peak_mib".
        """
        found = [cell.get(key) for cell in self.cells[method]]
        return math.nan if None in found or not found else math.fsum(found) / len(found)

    def to_text(self) -> str:
        """Returns answer, tables and notes as text."""
        return _tables.text(self)

    def to_markdown(self) -> str:
        """Returns answer, tables and notes as Markdown."""
        return _tables.markdown(self)

    def to_csv(self) -> str:
        """Returns one row a method, seed and task as CSV."""
        return _tables.csv(self)

    def to_html(self) -> str:
        """Returns one self-contained page: answer, pictures, tables and notes; nothing is loaded from elsewhere."""
        return _page.page(self)

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Writes `results.csv`, `report.md`, `report.html`, `delta_m.png`, `tasks.png` and `cost.png`, each whole or not at all.

        Args:
            folder: where to, such as the judging's own folder; files of these names that are there are replaced.

        Returns:
            The paths.
        """
        folder = Path(folder)
        written = {"results.csv": self.to_csv(), "report.md": self.to_markdown(), "report.html": self.to_html()}
        contents = {name: text.encode() for name, text in written.items()} | _pictures.files(self)
        return [files.write(folder / name, content) for name, content in contents.items()]

    def _ranks(self, part, names):
        by_seed = [
            evaluation.mean_ranks({name: self.cells[name][place][part] for name in names}, self.tasks)
            for place in range(len(self.cells[names[0]]))
        ]
        return {name: math.fsum(ranks[name] for ranks in by_seed) / len(by_seed) for name in names}
