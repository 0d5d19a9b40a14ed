"""`Report`: models side by side on the same data."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from mtlzoo import files
from mtlzoo.evaluation import _metrics, _render
from mtlzoo.evaluation.delta_m import delta_m
from mtlzoo.evaluation.mean_ranks import mean_ranks
from mtlzoo.task import Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """Models side by side on the same data, per task and overall. Made by `compare` and `report`.

    Args:
        tasks: the tasks.
        results: dict of model name to its values by key of the logs.
        baseline: name of the model that the others are compared with, or None.
        alphas: dict of task name to the alpha of the weighted total loss, the same for all models.
        metrics: "monitor" or "all": what Δm is taken over.
        parameters: dict of model name to its number of parameters.
        seconds: dict of model name to its seconds of training.
        epochs: dict of model name to its epochs of training.
        best_epochs: dict of model name to a dict of task name to the epoch (from 0) at which its main metric was best.

    Source: Δm of Maninis et al. (CVPR 2019), mean rank of Navon et al. (ICML 2022).

    >>> from mtlzoo.evaluation import compare
    >>> report = compare({"mtl": {"a_mae": 1.0}, "single": {"a_mae": 2.0}}, [Task.regression("a")], baseline="single")
    >>> report.delta_m, report.mean_ranks
    ({'mtl': 50.0}, {'mtl': 1.0, 'single': 2.0})
    """

    tasks: tuple[Task, ...]
    results: Mapping[str, Mapping[str, float]]
    baseline: str | None
    alphas: Mapping[str, float]
    metrics: str = "monitor"
    parameters: Mapping[str, int] = dataclasses.field(default_factory=dict)
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    epochs: Mapping[str, int] = dataclasses.field(default_factory=dict)
    best_epochs: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)

    @property
    def challengers(self) -> tuple[str, ...]:
        """Names of the models that are compared with the baseline; none without one."""
        return tuple(name for name in self.results if name != self.baseline) if self.baseline else ()

    @property
    def changes(self) -> dict[str, dict[str, float]]:
        """Change of every metric against the baseline in %, + is better, by model and key; NaN if there is none."""
        base = self.results.get(self.baseline, {})
        return {
            model: {
                key: _metrics.change(self.results[model].get(key, math.nan), base.get(key, math.nan), better)
                for task in self.tasks
                for key, better in _metrics.directions(task).items()
            }
            for model in self.challengers
        }

    @property
    def total_losses(self) -> dict[str, float]:
        """Σ α_t·L_t by model, each L_t the mean over all labels that are there; NaN if a task's loss is missing.

        It has no added losses such as regularisation. Keras' `loss` is a mean over batches instead, which differs where labels are missing.
        """
        return {
            model: math.fsum(
                self.alphas[task.name] * found.get(f"{task.name}_loss", math.nan) for task in self.tasks if self.alphas[task.name]
            )
            for model, found in self.results.items()
        }

    @property
    def mean_ranks(self) -> dict[str, float]:
        """Mean rank by model over the tasks' main metrics; 1 is best."""
        return mean_ranks(self.results, self.tasks)

    @property
    def delta_m(self) -> dict[str, float]:
        """Δm in % by model, + is better; NaN where a value of the baseline is 0 or not finite."""
        found = {}
        for model in self.challengers:
            try:
                found[model] = delta_m(self.results[model], self.results[self.baseline], self.tasks, metrics=self.metrics)
            except ValueError:
                found[model] = math.nan
        return found

    @property
    def verdict(self) -> str:
        """Says in one sentence whether the models did better than the baseline, and what one run cannot tell."""
        return _render.verdict(self)

    def to_text(self) -> str:
        """Returns tables and verdict as text; with colours only where standard output is a terminal."""
        return _render.text(self)

    def to_markdown(self) -> str:
        """Returns tables and verdict as Markdown."""
        return _render.markdown(self)

    def to_dict(self) -> dict:
        """Returns all that the report says in plain types; what is no finite number is None."""
        tasks = {
            task.name: {
                "monitor": task.monitor_key,
                "alpha": self.alphas[task.name],
                "better": _metrics.directions(task),
            }
            for task in self.tasks
        }
        by_model = {
            "results": self.results,
            "change_percent": self.changes,
            "total_loss": self.total_losses,
            "mean_rank": self.mean_ranks,
            "delta_m_percent": self.delta_m,
            "parameters": self.parameters,
            "seconds": self.seconds,
            "epochs": self.epochs,
            "best_epochs": self.best_epochs,
        }
        models = {model: {key: values[model] for key, values in by_model.items() if model in values} for model in self.results}
        found = {"tasks": tasks, "baseline": self.baseline, "metrics": self.metrics, "models": models, "verdict": self.verdict}
        return _plain(found)

    def to_json(self) -> str:
        """Returns `to_dict()` as strict JSON (no NaN, no infinity)."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, folder: str | os.PathLike, *, overwrite: bool = False) -> tuple[Path, Path]:
        """Writes `report.json` and `report.md`, each whole or not at all.

        Args:
            folder: where to; made if it is not there.
            overwrite: whether files that are there may be replaced.

        Returns:
            The paths of the two files.

        Raises:
            ValueError: one of the files exists.
        """
        folder = Path(folder)
        contents = {"report.json": self.to_json(), "report.md": self.to_markdown()}
        paths = [files.free_path("folder", folder / name, overwrite) for name in contents]
        return tuple(files.write(path, content.encode()) for path, content in zip(paths, contents.values(), strict=True))


def _plain(value):
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
