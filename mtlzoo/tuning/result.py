"""`TuningResult`: what came of a search, read from its folder."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mtlzoo import checks, evaluation, files
from mtlzoo.tuning import _plots, _space, _trials
from mtlzoo.tuning._fit_data import fit_arguments
from mtlzoo.tuning._summary import markdown, text


@dataclasses.dataclass(frozen=True, eq=False)
class TuningResult:
    """The trials of a search as a table, the best of them, and the Pareto front over the tasks. Made by `tune` and `load_result`.

    Args:
        folder: the search's folder.
        tasks: the tasks, with their own alphas.
        objective: the objective in words.
        trials: a `pandas.DataFrame`, one row a trial in the order of their start; the first has the tasks' own alphas.
            Columns: `trial`, `status` ("completed", "failed", "running"), `score` (more is better), `architecture`, `balancer`,
            `alpha_<task>`, the arguments, `val_<metric>` of each task at the trial's best epoch, `epochs` until that epoch, `seconds`,
            `message` (why it failed).
        baseline: results of the single-task models, or None.
        settings: what the search was told: search, epochs, seed, space.
        builder: the template model or function of the search; None to read the template from the folder.
        data: training and validation data of the search, or None.

    Source: the tables of keras-tuner's `results_summary`, for several tasks.
    """

    folder: Path
    tasks: tuple
    objective: str
    trials: object = dataclasses.field(repr=False)
    baseline: Mapping[str, float] | None
    settings: Mapping[str, object] = dataclasses.field(repr=False)
    builder: object = dataclasses.field(default=None, repr=False)
    data: tuple | None = dataclasses.field(default=None, repr=False)

    @property
    def completed(self):
        """The rows of the trials that were completed."""
        return self.trials[self.trials["status"] == "completed"]

    @property
    def best(self) -> dict:
        """The completed trial of the highest score: trial, score, architecture, balancer, alphas, arguments, metrics, epochs."""
        done = self.completed
        if done.empty:
            raise ValueError(f"there is no best trial: none of {len(self.trials)} was completed ({_trials.first_message(self.trials)}).")
        return self._row(done.loc[done["score"].idxmax()])

    @property
    def default(self) -> dict:
        """The first trial, with the tasks' own alphas, in the form of `best`."""
        return self._row(self.trials.iloc[0])

    @property
    def better(self) -> list[str]:
        """The better direction of each task's main metric, "max" or "min"."""
        return [task.monitor[1] for task in self.tasks]

    @property
    def comparable(self):
        """The rows of the completed trials in which each task's main metric is finite."""
        values = self.completed[[f"val_{task.monitor_key}" for task in self.tasks]].to_numpy(dtype="float64")
        return self.completed[np.isfinite(values).all(axis=1)]

    @property
    def points(self) -> np.ndarray:
        """Main validation metric of each task at the best epoch of each comparable trial, [comparable, T]."""
        return self.comparable[[f"val_{task.monitor_key}" for task in self.tasks]].to_numpy(dtype="float64")

    @property
    def front(self):
        """The rows of the trials on the Pareto front over the tasks."""
        return self.comparable[evaluation.pareto_front(self.points, self.better)]

    @property
    def reference(self) -> np.ndarray:
        """The reference point of the hypervolume, [T]: `mtlzoo.evaluation.reference_point` of all comparable trials."""
        return evaluation.reference_point(self.points, self.better)

    @property
    def hypervolume(self) -> float:
        """The volume between front and reference point, in the product of the metrics' units."""
        return evaluation.hypervolume(self.points, self.reference, self.better)

    def to_text(self) -> str:
        """Returns table, front, hypervolume with its reference point, and best trial as text."""
        return text(self)

    def to_markdown(self) -> str:
        """Returns the same as Markdown."""
        return markdown(self)

    def to_csv(self) -> str:
        """Returns the table as CSV; NaN is an empty cell."""
        return self.trials.to_csv(index=False, lineterminator="\n")

    def save_tables(self, folder=None) -> list[Path]:
        """Writes `trials.csv` and `trials.md`, and returns the paths.

        Args:
            folder: where to; None for the search's folder. What is there of these names is replaced.
        """
        folder = self.folder if folder is None else Path(folder)
        texts = {"trials.csv": self.to_csv(), "trials.md": self.to_markdown()}
        return [files.write(folder / name, content.encode()) for name, content in texts.items()]

    def save(self, folder=None) -> list[Path]:
        """Writes the tables, `alphas.png` (if alphas differ) and `front.png` (of two tasks or more), and returns the paths.

        Args:
            folder: where to; None for the search's folder. What is there of these names is replaced.
        """
        folder = self.folder if folder is None else Path(folder)
        written = self.save_tables(folder)
        if _plots.varied(self):
            self.plot_alphas(folder / "alphas.png", overwrite=True)
            written.append(folder / "alphas.png")
        if not self.comparable.empty and len(self.tasks) > 1:
            self.plot_front(folder / "front.png", overwrite=True)
            written.append(folder / "front.png")
        return written

    def plot_alphas(self, path: str | os.PathLike | None = None, *, overwrite: bool = False):
        """Draws each task's main metric against each alpha, with the default and the best trial marked; returns the figure.

        Args:
            path: a PNG file to write, or None.
            overwrite: whether a file that is there may be replaced.
        """
        if not _plots.varied(self):
            raise ValueError(
                "`alphas` must differ between completed trials to be drawn; this search has them fixed, or one completed trial."
            )
        return _plots.plot_alphas(self, None if path is None else files.free_path("path", path, overwrite))

    def plot_front(self, path: str | os.PathLike | None = None, *, overwrite: bool = False):
        """Draws the trials and the Pareto front over the tasks, with the reference point; returns the figure.

        Args:
            path: a PNG file to write, or None.
            overwrite: whether a file that is there may be replaced.
        """
        names, labels = [task.monitor_key for task in self.tasks], [str(trial) for trial in self.comparable["trial"]]
        return evaluation.plot_front(self.points, names, self.better, path, labels=labels, reference=self.reference, overwrite=overwrite)

    def best_model(self, train=None, validation=None, epochs: int | None = None):
        """Builds the model of the best trial anew, trains it, and saves it as `best/model.keras` in the search's folder.

        With the data of the search it comes out as in the trial, weights and all (but for Hyperband, whose trials are trained in parts).

        Args:
            train: data to train on, as for `tune`; None for those of the search (not kept in its folder).
            validation: data for the history; None for those of the search with `train` None, else for none.
            epochs: passes over the data; None for the number after which the trial was best.
        """
        if train is None and self.data is None:
            raise ValueError("`train` must be given: the data of a search are not kept in its folder.")
        train, validation = (train, validation) if train is not None else (self.data[0], self.data[1] if validation is None else validation)
        best = self.best
        epochs = best["epochs"] if epochs is None else checks.integer("epochs", epochs, low=1)
        model = _space.built(self, _trials.values(self.folder, best["trial"]))
        history = model.fit(**fit_arguments(train, validation, epochs))
        with files.aside(self.folder / "best") as new:
            new.mkdir()
            model.save(new / "model.keras")
            (new / "trial.json").write_text(json.dumps(best, indent=2) + "\n", encoding="utf-8")
            evaluation.save_history(history, new / "history.csv")
        return model

    def _row(self, row):
        record = _trials.record(self.folder, row["trial"])
        told = {"trial": row["trial"], "score": float(row["score"])}
        told |= {key: record.get(key) for key in ("architecture", "balancer", "epochs")}
        told |= {key: record.get(key, {}) for key in ("alphas", "arguments")}
        return {**told, "metrics": {task.monitor_key: float(row[f"val_{task.monitor_key}"]) for task in self.tasks}}
