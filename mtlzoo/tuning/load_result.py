"""`load_result`: a search's result from its folder."""

import json
import os
from pathlib import Path

from mtlzoo import checks
from mtlzoo.task import Task
from mtlzoo.tuning import _identity, _trials
from mtlzoo.tuning.result import TuningResult


def load_result(folder: str | os.PathLike, *, builder=None, data: tuple | None = None) -> TuningResult:
    """Reads the result of a search from its folder, while it runs or later.

    Args:
        folder: the folder that `tune` was given.
        builder: the function `build(hp)` of the search, to build models again; None where it had a template, which the folder holds.
        data: the pair of training and validation data of the search, which `best_model` then takes; or None.

    Returns:
        A `TuningResult`.

    Raises:
        ValueError: the folder is of no search.

    Source: `tune`.

    >>> load_result("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: `folder` must be the folder of a search; 'no/such/folder/search.json' cannot be read ...
    """
    folder = Path(checks.instance("folder", folder, (str, os.PathLike), "a path"))
    settings = _identity.load(folder)
    tasks = tuple(Task.from_config(config) for config in settings["tasks"])
    baseline = folder / "baseline.json"
    results = json.loads(baseline.read_text(encoding="utf-8")) if baseline.is_file() else None
    name = settings["objective"]["name"]
    trials = _trials.read(folder, tasks)
    return TuningResult(folder, tasks, name, trials, results, settings, builder, data)
