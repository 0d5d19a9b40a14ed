"""Runs: a configuration, a training, and a folder that holds all that came of it."""

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

import keras

from mtlzoo import architectures, balancing, checks, data, evaluation, export, files, trunks
from mtlzoo.callbacks import SameOrder
from mtlzoo.progress import ProgressBar


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All that decides a run; written to `config.json`, from which it can be run again.

    Args:
        data: a source, the path of a CSV or Parquet file, or TFDS image sets joined by "+"; see `mtlzoo.data.load`.
        data_dir: folder of prepared data, or None.
        tasks: for a file, its columns of labels, as `mtlzoo.data.infer_tasks` reads them; otherwise those tasks of the source that are
            wanted, or none for all.
        architecture: name of a builder in `mtlzoo.architectures`.
        trunk: name of a trunk, or None for the small default one (for tables `tabular`).
        balancer: name of a balancer, or None for plain training.
        alphas: dict of task name to alpha; tasks not named keep the source's.
        epochs: how often the training data are gone through.
        batch_size: rows a batch.
        learning_rate: of Adam.
        seed: decides splits, order and initial weights.
        limit: None, or the most rows of each split.
        baseline: whether single-task baselines of the same size and budget are trained beside it.

    Raises:
        ValueError, TypeError: an argument is out of bounds or a name unknown; the nearest one is given.

    Source: the house's rule that one configuration and one seed decide.

    >>> RunConfig(architecture="hard_sharing", epochs=3).epochs
    3
    """

    data: str = "digits"
    data_dir: str | None = None
    tasks: tuple[str, ...] = ()
    architecture: str = "hard_sharing"
    trunk: str | None = None
    balancer: str | None = None
    alphas: Mapping[str, float] = dataclasses.field(default_factory=dict)
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    seed: int = 0
    limit: int | None = None
    baseline: bool = True

    def __post_init__(self):
        if isinstance(self.tasks, str) or not all(isinstance(task, str) for task in self.tasks):
            raise TypeError(f"`tasks` must be a sequence of names; received {self.tasks!r}.")
        object.__setattr__(self, "tasks", tuple(self.tasks))
        checks.one_of("architecture", self.architecture, architectures.names())
        if self.trunk is not None:
            checks.one_of("trunk", self.trunk, trunks.names())
        if self.balancer is not None:
            checks.one_of("balancer", self.balancer, balancing.names())
        checks.instance("alphas", self.alphas, Mapping, "a dict of task name to alpha")
        for name, value in self.alphas.items():
            checks.number(f"alpha of task {name}", value, low=0)
        for field in ("epochs", "batch_size"):
            checks.integer(field, getattr(self, field), low=1)
        checks.number("learning_rate", self.learning_rate, low=0, strict=True)
        checks.integer("seed", self.seed, low=0)
        checks.instance("baseline", self.baseline, bool, "True or False")

    @classmethod
    def load(cls, path) -> "RunConfig":
        """Reads a configuration from a run's folder or its `config.json`."""
        path = Path(path)
        path = path / "config.json" if path.is_dir() else path
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"`config` must be the config.json of a run; {str(path)!r} cannot be read ({error}).") from None
        checks.instance("config", values, Mapping, "a JSON object")
        known = [field.name for field in dataclasses.fields(cls)]
        values.pop("versions", None)
        return cls(**{checks.one_of("config key", key, known): value for key, value in values.items()})

    @property
    def data_name(self) -> str:
        """The data in the name of a folder: those of a file are called as the file without its ending."""
        return Path(self.data).name.split(".")[0] if data.is_table(self.data) else self.data

    def load_data(self, encoder=None, *, verbose=True):
        """Returns the data's `Splits`, of a table encoded by a run's own encoder if that is given; `verbose` as in `mtlzoo.data.load`."""
        options = {"batch_size": self.batch_size, "seed": self.seed, "limit": self.limit}
        return data.load(self.data, self.data_dir, tasks=self.tasks, **options, encoder=encoder, verbose=verbose)

    def build(self, splits, architecture=None):
        """Returns the compiled model, or that of another architecture on the same terms."""
        names = [task.name for task in splits.tasks]
        alphas = {checks.one_of("alpha of task", name, names): value for name, value in self.alphas.items()}
        tasks = [task.replace(alpha=alphas.get(task.name, task.alpha)) for task in splits.tasks]
        balancer = None if architecture else self.balancer
        trunk = self.trunk
        if splits.encoder is not None and trunk in (None, "tabular"):
            trunk = trunks.tabular(splits.encoder.sizes)
        builder = architectures.get(architecture or self.architecture)
        optimizer = keras.optimizers.Adam(self.learning_rate)
        return builder(splits.inputs, tasks, trunk=trunk, optimizer=optimizer, balancer=balancer, seed=self.seed)


def train(config: RunConfig, folder, *, overwrite: bool = False, progress: bool = True):
    """Trains a model and its single-task baselines, and leaves a folder with all that came of it.

    The folder holds `model.keras`, `export/` (SavedModel), `report.json`, `report.md`, `report.png`, `history.csv` (and
    `history_single_task.csv`), `learning_curves.png` and `config.json`; for tables `encoder.keras`, too, and the export takes raw
    columns. It appears whole, or not at all.

    Args:
        config: what to run.
        folder: the run's folder.
        overwrite: whether a run that is there may be replaced; it is, once the new one is finished.
        progress: whether a progress bar is shown.

    Returns:
        The `mtlzoo.evaluation.Report` on the test data.

    Raises:
        ValueError, TypeError: the folder exists, the data cannot be had, or a loss is not finite.

    Source: the house's rule that bad input never costs data.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "run"
    >>> report = train(RunConfig(trunk="mlp", limit=32, epochs=1, baseline=False), folder, progress=False)
    >>> sorted(path.name for path in folder.iterdir())[:3]
    ['config.json', 'export', 'history.csv']
    """
    folder = files.free_path("out", folder, overwrite, kind="a run's folder", is_kind=_is_run)
    splits = config.load_data()
    model = config.build(splits)
    baseline = config.build(splits, "single_task") if config.baseline and config.architecture != "single_task" else None
    history, seconds = _fit(model, splits, config, progress)
    base_history, base_seconds = _fit(baseline, splits, config, progress) if baseline is not None else (None, None)
    report = evaluation.report(
        model,
        splits.test,
        baseline,
        history=history,
        baseline_history=base_history,
        seconds=seconds,
        baseline_seconds=base_seconds,
    )
    with files.aside(folder) as aside:
        aside.mkdir()
        model.save(aside / "model.keras")
        export.export_saved_model(model, aside / "export", encoder=splits.encoder)
        if splits.encoder is not None:
            splits.encoder.save(aside / "encoder.keras")
        report.save(aside)
        evaluation.plot_report(report, aside / "report.png")
        evaluation.save_history(history, aside / "history.csv")
        if base_history is not None:
            evaluation.save_history(base_history, aside / "history_single_task.csv")
        evaluation.plot_history(history, splits.tasks, aside / "learning_curves.png")
        (aside / "config.json").write_text(json.dumps(_described(config), indent=2) + "\n", encoding="utf-8")
    return report


def load(folder):
    """Loads the model and the configuration of a run.

    Args:
        folder: the run's folder.

    Returns:
        A pair: the `MultiTaskModel`, and the `RunConfig`.

    Raises:
        ValueError: the folder is no finished run.

    Source: `train`.
    """
    folder = Path(folder)
    if not (folder / "model.keras").is_file():
        raise ValueError(f"`run` must be the folder of a finished run; there is no {str(folder / 'model.keras')!r}.")
    return keras.saving.load_model(folder / "model.keras"), RunConfig.load(folder)


def load_encoder(folder):
    """Loads the encoder of a run on a table, with which alone the run's model reads other rows right.

    Args:
        folder: the run's folder.

    Returns:
        The `mtlzoo.data.TableEncoder`, or None where the run's data are no table.

    Raises:
        ValueError: the file cannot be read.

    Source: `train`.
    """
    path = Path(folder) / "encoder.keras"
    return data.TableEncoder.load(path) if path.is_file() else None


def free_folder(config: RunConfig, parent="runs", *, prefix: str = "") -> Path:
    """Makes the first folder `parent/<prefix><data>-<number>` that is not taken, so that it is taken from now on.

    Args:
        config: what is to be run; of a file, the folder takes the name without its ending.
        parent: where runs are kept.
        prefix: what the folder's name starts with.

    Returns:
        The path of an empty folder.

    Raises:
        ValueError: the parent folder cannot be made.

    Source: the numbered runs of most trainers.

    >>> import tempfile
    >>> free_folder(RunConfig(), parent=tempfile.mkdtemp()).name
    'digits-1'
    """
    number = 1
    while True:
        path = files.free_path("out", Path(parent) / f"{prefix}{config.data_name}-{number}", overwrite=True, is_kind=Path.exists)
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _is_run(path):
    """Whether a folder holds a finished run, which may be replaced as a whole."""
    try:
        return (path / "model.keras").is_file() and RunConfig.load(path) is not None
    except (ValueError, TypeError):
        return False


def _fit(model, splits, config, progress):
    callbacks = [SameOrder(splits.train)]
    bar = ProgressBar(model.name, splits.tasks)
    if progress:
        callbacks.append(bar)
    start = time.perf_counter()
    try:
        history = model.fit(splits.train, validation_data=splits.validation, epochs=config.epochs, verbose=0, callbacks=callbacks)
    finally:
        bar.stop()
    return history, time.perf_counter() - start


def _described(config):
    from importlib.metadata import version

    packages = ("mtlzoo", "keras", "tensorflow", "numpy")
    return {**dataclasses.asdict(config), "versions": {name: version(name) for name in packages}}
