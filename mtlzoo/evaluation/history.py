"""The history of a training as a table and as CSV."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from mtlzoo import checks, files
from mtlzoo.task import Task, check_tasks


def history_frame(history, *, validation_freq: int = 1):
    """The history of `fit` as a table: one row an epoch, one column a key.

    Args:
        history: what `model.fit` returned, or its dict of key to one float an epoch.
        validation_freq: the number of epochs between validations that `fit` was given; between them is NaN.

    Returns:
        A `pandas.DataFrame` with the index `epoch`, from 0.

    Raises:
        ValueError: the history is empty, or a key has another number of values than epochs.
        TypeError: it is no history.

    Source: `keras.callbacks.CSVLogger`, for a history at hand.

    >>> frame = history_frame({"loss": [1.0, 0.5], "val_loss": [1.5, 0.75]})
    >>> frame.loc[1].to_dict()
    {'loss': 0.5, 'val_loss': 0.75}
    """
    import pandas as pd

    return pd.DataFrame(columns(history, validation_freq)).rename_axis("epoch")


def save_history(history, path: str | os.PathLike, *, validation_freq: int = 1, overwrite: bool = False) -> Path:
    """Writes the history of `fit` as CSV: `epoch` from 0, then one column a key; NaN is an empty cell.

    Args:
        history: what `model.fit` returned, or its dict of key to one float an epoch.
        path: the file to write.
        validation_freq: the number of epochs between validations that `fit` was given.
        overwrite: whether a file that is there may be replaced.

    Returns:
        The path. The file is whole or not there: it is written aside and renamed.

    Raises:
        ValueError: the file exists, or the history is none.

    Source: `keras.callbacks.CSVLogger`, for a history at hand.

    >>> import pathlib, tempfile
    >>> path = save_history({"loss": [1.0, 0.5]}, pathlib.Path(tempfile.mkdtemp()) / "history.csv")
    >>> path.read_text().split()
    ['epoch,loss', '0,1.0', '1,0.5']
    """
    path = files.free_path("path", path, overwrite)
    return files.write(path, history_frame(history, validation_freq=validation_freq).to_csv(lineterminator="\n").encode())


def best_epochs(history, tasks: Sequence[Task], *, validation_freq: int = 1) -> dict[str, int]:
    """The epoch at which each task's main metric was best, on the validation data if there were any.

    Args:
        history: what `model.fit` returned, or its dict of key to one float an epoch.
        tasks: the tasks.
        validation_freq: the number of epochs between validations that `fit` was given.

    Returns:
        Dict of task name to epoch, from 0; the first one of equals. A task whose metric was never a number is left out.

    Raises:
        ValueError: a task's main metric is not in the history.

    Source: early stopping a task, the usual diagnosis of tasks that learn at unlike speeds.

    >>> best_epochs({"loss": [3, 2, 1], "digit_accuracy": [0.1, 0.9, 0.5]}, [Task.multiclass("digit", 10)])
    {'digit': 1}
    """
    found, best = columns(history, validation_freq), {}
    for task in check_tasks(tasks):
        key = f"val_{task.monitor_key}" if f"val_{task.monitor_key}" in found else task.monitor_key
        if key not in found:
            raise ValueError(f"`history` must hold {key!r}; received the keys {sorted(found)}.")
        sign = 1 if task.monitor[1] == "min" else -1
        costs = {epoch: sign * value for epoch, value in enumerate(found[key]) if not math.isnan(value)}
        if costs:
            best[task.name] = min(costs, key=costs.get)
    return best


def columns(history, validation_freq=1) -> dict[str, list[float]]:
    """The history as a dict of lists of the same length, training first.

    Args:
        history: what `model.fit` returned, or its dict of key to one float an epoch.
        validation_freq: the number of epochs between validations that `fit` was given.

    Returns:
        Dict of key to one float an epoch; NaN where there was no validation.

    Raises:
        ValueError: the history is empty, or a key has another number of values than epochs.
        TypeError: it is no history.

    >>> columns({"val_loss": [2.0], "loss": [1.0, 0.5]}, validation_freq=2)
    {'loss': [1.0, 0.5], 'val_loss': [nan, 2.0]}
    """
    if isinstance(history, keras.callbacks.History):
        history = history.history
    checks.instance("history", history, Mapping, "what `fit` returned, or its dict of lists")
    every = checks.integer("validation_freq", validation_freq, low=1)
    length = max((len(values) for values in history.values()), default=0)
    if not length:
        raise ValueError("`history` must hold at least one epoch; received none.")
    found = {}
    for key in sorted(history, key=lambda key: key.startswith("val_")):
        values = [float(value) for value in history[key]]
        if key.startswith("val_") and len(values) == length // every != length:
            spread = [math.nan] * length
            spread[every - 1 :: every] = values
            values = spread
        if len(values) != length:
            raise ValueError(
                f"`history[{key!r}]` must have {length} values, one an epoch; received {len(values)}. "
                "If `fit` had a validation_freq, give it here too."
            )
        found[key] = values
    return found
