"""`tune`: a search over alphas, architectures, balancers and arguments that goes on where it was stopped."""

import contextlib
import dataclasses
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtlzoo import checks, files
from mtlzoo.tuning import _fit_data, _identity, _space, _trials
from mtlzoo.tuning._bar import TrialBar
from mtlzoo.tuning.alpha_space import AlphaSpace, as_space
from mtlzoo.tuning.load_result import load_result
from mtlzoo.tuning.objective import Objective, of_tasks
from mtlzoo.tuning.result import TuningResult

SEARCHES = ("random", "bayesian", "hyperband", "grid")
TRIALS, STEPS = 20, 5
PROTOCOL = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")


def tune(
    builder,
    train,
    validation,
    *,
    folder: str | os.PathLike,
    search: str = "random",
    alphas: str | AlphaSpace = "log",
    architectures: Sequence[str] | None = None,
    balancers: Sequence[str | None] | None = None,
    arguments: Mapping[str, object] | None = None,
    max_trials: int | None = None,
    objective: str | Mapping[str, float] | Objective = "delta_m",
    epochs: int = 20,
) -> TuningResult:
    """Searches alphas, and if asked architectures, balancers and arguments, by keras-tuner; the first trial has the tasks' own alphas.

    The same call with the same folder goes on where an earlier one was stopped or killed: trials that ended are kept, the others
    run again. For "delta_m" single-task models are trained once before. Every trial starts from the template's seed (0 if it has none) and
    sees the data in the same order; a trial counts by its best epoch. A bar is shown on a terminal or in a notebook.

    Several machines share a search through keras-tuner's own variables: KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT of the
    chief for all, KERASTUNER_TUNER_ID "chief" for one process and any other name for each worker, the same call in all and a folder that
    all of them see. A worker that died is started again under its name, and its trial is run again.

    Args:
        builder: a template model or a function `build(hp)`; see `hypermodel`. A template stays as it is.
        train: a `tf.data.Dataset`, or arrays as (x, y) or (x, y, weights).
        validation: the same, to score on.
        folder: where the search is kept; new, empty, or of the same search.
        search: "random", "bayesian", "hyperband" (whose trials begin with few epochs and go on if they are good), or "grid".
        alphas: "log", "simplex", "fixed" or an `AlphaSpace`. A grid takes 5 steps where none are given.
        architectures: names to choose from, or None for the template's; see `hypermodel`.
        balancers: names and None to choose from, or None for the template's; see `hypermodel`.
        arguments: dict of a builder's argument to values; see `hypermodel`.
        max_trials: the most trials, the default trial among them; None for 20, or the whole grid. A search may go on with more.
        objective: what is to be great; see `mtlzoo.tuning.objective`.
        epochs: passes over the data, of the longest trial.

    Returns:
        A `TuningResult`; its tables lie in the folder, too, as `trials.csv` and `trials.md`. In a worker it holds what had ended by then.

    Raises:
        ValueError: an argument is out of bounds, the folder is of another search, or no trial could be completed; nothing that lies
            in the folder is lost.
        TypeError: an argument is of another type.

    Source: O'Malley et al., KerasTuner (2019); Li et al., "Hyperband" (JMLR 2018).

    >>> import tempfile
    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> template = hard_sharing((2,), [Task.regression("a"), Task.regression("b")], trunk="mlp", seed=0)
    >>> x = np.random.default_rng(0).normal(size=(32, 2)).astype("float32")
    >>> data = (x, {"a": x[:, 0], "b": x[:, 1]})
    >>> found = tune(template, data, data, folder=tempfile.mkdtemp(), objective={"a": 1.0, "b": 1.0}, max_trials=2, epochs=1)
    >>> found.default["alphas"], len(found.trials), found.best["score"] >= found.default["score"]
    ({'a': 1.0, 'b': 1.0}, 2, True)
    """
    checks.one_of("search", search, SEARCHES)
    epochs = checks.integer("epochs", epochs, low=1)
    max_trials = _most(max_trials, search)
    _fit_data.check("train", train)
    _fit_data.check("validation", validation)
    space = _space.make(builder, _with_steps(alphas, search), architectures, balancers, arguments)
    if space.empty:
        raise ValueError("`alphas` must not be 'fixed' where nothing else is searched: give `architectures`, `balancers` or `arguments`.")
    score = of_tasks(objective, space.tasks)
    worker, folder = _is_worker(), Path(checks.instance("folder", folder, (str, os.PathLike), "a path"))
    known = {"search": search, "epochs": epochs, "seed": space.seed, "train": train, "validation": validation}
    _identity.claim(folder, _identity.describe(space, score, **known), worker=worker)
    if not worker:
        _keep_template(space, folder)
    score = _with_baseline(score, space, folder, _fit_data.fit_arguments(train, validation, epochs), worker)
    fit = _fit_data.fit_arguments(train, validation, epochs, callbacks=False)
    gave_up = _search(space, score, folder, fit, search, max_trials)
    result = load_result(folder, builder=builder, data=(train, validation))
    if result.completed.empty and not worker:
        why = "all of the first trials failed" if gave_up else f"none of {len(result.trials)} trials was completed"
        raise ValueError(f"`builder` must make models that can be trained: {why}. The first said: {_trials.first_message(result.trials)}")
    if not worker:
        result.save_tables()
    return result


def _search(space, score, folder, fit, search, max_trials):
    """Runs the trials that are left, or serves them as chief; returns whether the search gave up."""
    from mtlzoo.tuning import _oracles
    from mtlzoo.tuning._hypermodel import MultiTaskHyperModel
    from mtlzoo.tuning._tuner import RecordingTuner, Stopped

    hypermodel = MultiTaskHyperModel(space, score, space.seed)
    oracle = _oracles.make(search, hypermodel.objective, max_trials=max_trials, epochs=fit["epochs"], seed=space.seed)
    with contextlib.redirect_stdout(io.StringIO()):
        tuner = RecordingTuner(oracle, hypermodel, folder)
    with TrialBar(max_trials) as bar:
        oracle.watcher = bar.show
        bar.show(oracle)
        try:
            tuner.search(**fit)
        except Stopped as stopped:
            raise stopped.__cause__ from None
    return oracle.gave_up


def _most(max_trials, search):
    if max_trials is None:
        return None if search == "grid" else TRIALS
    return checks.integer("max_trials", max_trials, low=1)


def _with_steps(alphas, search):
    """The space of alphas; of a grid with steps."""
    space = as_space(alphas)
    return dataclasses.replace(space, steps=STEPS) if search == "grid" and space.steps is None else space


def _is_worker():
    """Whether a chief elsewhere holds the oracle, by keras-tuner's own variables."""
    given = [name for name in PROTOCOL if name in os.environ]
    if PROTOCOL[0] not in given:
        return False
    if len(given) < len(PROTOCOL):
        missing = next(name for name in PROTOCOL if name not in given)
        raise ValueError(f"`{missing}` must be set where {PROTOCOL[0]} is, for a search of a chief and workers; it is not.")
    return "chief" not in os.environ[PROTOCOL[2]]


def _keep_template(space, folder):
    path = folder / _space.TEMPLATE
    if space.template.builder is not None and space.architectures is not None and not path.is_file():
        with files.aside(path.parent) as new:
            new.mkdir()
            space.template.save(new / path.name)


def _with_baseline(score, space, folder, fit, worker):
    """The objective with the results of single-task models, if it needs them: its own, the folder's, or those of a training now."""
    from mtlzoo.tuning import _baseline

    if not score.needs_baseline:
        return score
    if score.baseline is not None:
        files.write(folder / _baseline.FILE, _baseline.as_json(score.baseline))
        return score
    if worker:
        _identity.wait_for(folder / _baseline.FILE, "the chief has not trained the single-task models")
    return score.with_baseline(_baseline.train(space, folder, fit, seed=space.seed))
