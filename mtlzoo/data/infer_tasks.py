"""`infer_tasks`: what kind of task the labels in the columns of a table make."""

import os
import re
import sys
from collections.abc import Iterable

import numpy as np

from mtlzoo import checks
from mtlzoo.data import _classes, _table
from mtlzoo.data.table_encoder import TableEncoder
from mtlzoo.task import Task

KINDS = ("binary", "multiclass", "regression")
MOST_CLASSES = 20


def infer_tasks(
    table, columns: Iterable[str], *, delimiter: str = ",", encoder: TableEncoder | None = None, verbose: bool = True
) -> dict[Task, str]:
    """Makes a task of each column of labels: of the kind that is given, or of the one that its values show.

    A column of the values 0 and 1 alone makes a binary task; one of whole numbers in which every number from 0 to a greatest of at most
    19 occurs makes a multiclass task; any other column of numbers makes a regression. A column of text alone makes a binary task if it
    has two distinct texts, a multiclass task if it has 3 to 20; classes are numbered in the sorted order of their texts. Empty cells
    are missing labels and decide nothing.

    Args:
        table: a path, DataFrame or dict of columns, as in `mtlzoo.data.from_table`.
        columns: "column", "column:kind" or "column:kind:units" each, with a kind of "binary", "multiclass" (units are the classes; None
            for as many as the greatest label says) or "regression".
        delimiter: what stands between the cells of CSV.
        encoder: None, or the encoder of a trained model, whose classes then decide the tasks of text, whatever this table holds.
        verbose: whether the tasks are printed, each with the reason.

    Returns:
        Dict of task to its column, in order, as `from_table` takes it. A task's name is its column's, with `_` for what may not be in it.

    Raises:
        ValueError, TypeError: no such column (the nearest is given) or kind; a column of numbers and text (with
            the row), of another number of texts than is wanted, or without two unlike labels.

    Source: the rule is that of scikit-learn's `type_of_target`, made stricter for numbers that count something.

    >>> table = {"income": [900.5, 1200.0, None], "married": [1, 1, 0], "rooms": [2, 5, 3], "owner": ["yes", "no", "yes"]}
    >>> tasks = infer_tasks(table, ["income", "married", "rooms:multiclass:6", "owner"])
    income: regression, since not all labels are whole numbers from 0 to at most 19
    married: binary, since its labels are 0 and 1
    rooms: multiclass of 6 classes, as given
    owner: binary, "no" is 0, "yes" is 1
    >>> [task.kind for task in tasks]
    ['regression', 'binary', 'multiclass', 'binary']
    """
    frame = _table.read(table, delimiter)
    if isinstance(columns, (str, os.PathLike)):
        raise TypeError(f"`tasks` must be a sequence of columns; received {columns!r}.")
    if encoder is not None:
        checks.instance("encoder", encoder, TableEncoder, "a mtlzoo.data.TableEncoder")
    found, lines = {}, []
    for spec in columns:
        name, kind, units = _read(spec, frame.columns)
        names = _names(frame[name], _task_name(name), kind, encoder)
        if names is not None:
            kind, units, reason = _of_text(names, name, kind, units)
        else:
            labels = _labels(frame, name)
            kind, units, reason = _inferred(labels) if kind is None else (kind, units or _units(kind, labels), "as given")
        task = Task.multiclass(_task_name(name), units) if kind == "multiclass" else getattr(Task, kind)(_task_name(name))
        if task.name in {other.name for other in found}:
            raise ValueError(f"`tasks` must be columns of unlike names; received {spec!r} for a second task {task.name!r}.")
        found[task] = name
        lines.append(f"{name}: {kind}{f' of {units} classes' if kind == 'multiclass' else ''}, {reason}")
    if not found:
        raise ValueError(f"`tasks` must name at least one column of labels; the table has {list(frame.columns)}.")
    if verbose:
        sys.stdout.write("\n".join(lines) + "\n")
    return found


def _read(spec, known):
    """Column, kind and units of a text such as "rooms:multiclass:6"; a column's own name may have a colon, too."""
    checks.instance("tasks", spec, str, "'column', 'column:kind' or 'column:kind:units'")
    if spec in known:
        return spec, None, None
    name, kind, units = (*spec.rsplit(":", 2), None, None)[:3]
    if units is not None and name not in known and spec.rsplit(":", 1)[0] in known:
        name, kind, units = *spec.rsplit(":", 1), None
    checks.one_of("tasks", name, known)
    checks.one_of(f"kind of task {name}", kind, KINDS)
    if units is None:
        return name, kind, None
    if kind != "multiclass" or not units.isascii() or not units.isdigit():
        raise ValueError(f"`tasks` must have a number of classes after 'multiclass:', and nothing after other kinds; received {spec!r}.")
    return name, kind, int(units)


def _names(series, task, kind, encoder):
    """The classes of a task whose labels are text, None for one of numbers; those of an encoder come first."""
    if kind == "regression":
        return None
    if encoder is not None and task in encoder.classes:
        return encoder.classes[task]
    if not _classes.is_text(series):
        return None
    names = _classes.sorted_names(series)
    if len(names) < 2:
        raise ValueError(f"`tasks`: column {series.name!r} must hold at least two unlike labels; received {names[0]!r} alone.")
    if kind is None and len(names) > MOST_CLASSES:
        raise ValueError(
            f"`tasks`: column {series.name!r} must hold numbers or at most {MOST_CLASSES} unlike texts; received {len(names)}: "
            f"{_classes.shown(names)}. As '{series.name}:multiclass' they are classes nonetheless."
        )
    return names


def _of_text(names, column, kind, units):
    """Kind, units and reason of a task whose classes are texts."""
    reason = f"{'as given, ' if kind else ''}{_classes.numbered(names)}"
    kind = kind or ("binary" if len(names) == 2 else "multiclass")
    wanted = 2 if kind == "binary" else units or len(names)
    _classes.check_count(names, wanted, f"`tasks`: the labels of column {column!r}", kind)
    return kind, wanted, reason


def _labels(frame, name):
    """The labels that are there, as numbers."""
    values = _table.numbers(frame[name], "`tasks`")
    values = values[~np.isnan(values)]
    if not values.size or values.min() == values.max():
        what = f"{values[0]:g} alone" if values.size else "empty cells alone"
        raise ValueError(f"`tasks`: column {name!r} must hold at least two unlike labels; received {what}.")
    return values


def _inferred(labels):
    values = np.unique(labels)
    if values.tolist() == [0, 1]:
        return "binary", None, "since its labels are 0 and 1"
    if len(values) <= MOST_CLASSES and np.array_equal(values, np.arange(len(values))):
        return "multiclass", len(values), f"since its labels are the whole numbers from 0 to {len(values) - 1}"
    if np.array_equal(values, np.floor(values)) and values[0] >= 0 and values[-1] < MOST_CLASSES:
        return "regression", None, f"since not every whole number from 0 to {values[-1]:g} is a label"
    return "regression", None, f"since not all labels are whole numbers from 0 to at most {MOST_CLASSES - 1}"


def _units(kind, labels):
    return max(int(labels.max()) + 1, 2) if kind == "multiclass" else None


def _task_name(column):
    name = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_")
    if not name or not name[0].isalpha() or name in ("loss", "val_loss", "categories", "numbers"):
        name = f"task_{name}".rstrip("_")
    return name
