"""`PopulationResult`: what came of a population-based training."""

import dataclasses
import os
import textwrap

from mtlzoo import files
from mtlzoo.model import MultiTaskModel

_COLOURS = ("#1f77b4", "#d95f02", "#2a9d5c", "#8e5ea2", "#c2a000", "#4d4d4d")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PopulationResult:
    """What came of a population-based training of the alphas: the best model, and how it and the others came there.

    Args:
        model: the model with the weights of the best member.
        score: its objective on the validation data; greater is better.
        objective: the objective in words.
        epoch: the number of epochs that its weights were trained.
        schedule: dict of task name to the list of alphas by epoch that led to these weights; `mtlzoo.AlphaSchedule` takes it.
        rows: one dict a member and epoch.

    Source: Jaderberg et al., "Population Based Training of Neural Networks", 2017.

    >>> rows = ({"member": 0, "epoch": 0, "a_alpha": 1.0, "score": 0.5}, {"member": 1, "epoch": 0, "a_alpha": 2.0, "score": 0.7})
    >>> result = PopulationResult(model=None, score=0.7, objective="a", epoch=1, schedule={"a": [2.0]}, rows=rows)
    >>> result.alphas, result.history.shape
    ({'a': 2.0}, (2, 4))
    """

    model: MultiTaskModel
    score: float
    objective: str
    epoch: int
    schedule: dict[str, list[float]]
    rows: tuple[dict[str, float], ...]

    @property
    def alphas(self) -> dict[str, float]:
        """The alphas of the best member at its last epoch, by task name."""
        return {name: values[-1] for name, values in self.schedule.items()}

    @property
    def history(self):
        """A `pandas.DataFrame`, one row a member and epoch: `member`, `epoch`, `parent`, `<task>_alpha`, the logs of `fit`, `score`.

        `parent` is the member that it became a copy of before that epoch, empty where it went on with its own weights.
        """
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def plot(self, path: str | os.PathLike | None = None, *, overwrite: bool = False):
        """Draws the alphas of all members over the epochs, a panel a task, the best one's lineage in colour, and the scores.

        Args:
            path: a PNG file to write, or None.
            overwrite: whether a file that is there may be replaced.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        if path is not None:
            path = files.free_path("path", path, overwrite)
        figure = Figure(figsize=(3.1 * (len(self.schedule) + 1), 3.0), layout="constrained")
        axes, members = figure.subplots(1, len(self.schedule) + 1, squeeze=False)[0], self.history.groupby("member")
        for index, (axis, (task, alphas)) in enumerate(zip(axes, self.schedule.items(), strict=False)):
            for _, rows in members:
                axis.plot(rows["epoch"], rows[f"{task}_alpha"], color="#b8b8b8", linewidth=1, marker=".", markersize=3)
            axis.plot(range(len(alphas)), alphas, color=_COLOURS[index % len(_COLOURS)], linewidth=2)
            axis.set(title=f"α of {task}", yscale="log")
        for _, rows in members:
            axes[-1].plot(rows["epoch"], rows["score"], color="#b8b8b8", linewidth=1, marker=".", markersize=3)
        axes[-1].plot([self.epoch - 1], [self.score], "o", color="#d95f02")
        axes[-1].set_title(textwrap.fill(self.objective, 28), fontsize=10)
        for axis in axes:
            axis.set_xlabel("epoch", fontsize=9)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axis.grid(alpha=0.25)
        if path is not None:
            with files.aside(path) as new:
                figure.savefig(new, format="png", dpi=150)
        return figure
