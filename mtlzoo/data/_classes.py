"""Labels that are text: which columns hold them, which classes they name, and in what order these are numbered."""

import difflib
from collections.abc import Mapping

import numpy as np

from mtlzoo import checks
from mtlzoo.data import _table

KINDS = ("binary", "multiclass")  # Those of one class a row.
SHOWN = 5


def is_text(series):
    """Whether a column of labels holds text alone, empty cells aside: no number, and nothing that reads as one.

    >>> import pandas
    >>> [is_text(pandas.Series(cells)) for cells in (["yes", None], ["1", "yes"], [True, False], [None])]
    [True, False, False, False]
    """
    import pandas

    if not all(isinstance(cell, str) for cell in series.dropna()):
        return False
    names = sorted_names(series)
    return bool(names) and bool(pandas.to_numeric(pandas.Series(names), errors="coerce").isna().all())


def sorted_names(series):
    """Returns the distinct texts of a column in sorted order, which numbers the classes.

    >>> import pandas
    >>> sorted_names(pandas.Series(["yes", None, "no", "yes", " "]))
    ('no', 'yes')
    """
    return tuple(sorted(name for name in set(_table.texts(series)[0]) if not _missing(name)))


def of_tasks(frame, columns, kept=None):
    """Returns the classes by task, of those tasks of one class a row whose labels are text.

    Args:
        frame: the whole table: a class that the training rows lack has its number, too.
        columns: dict of `Task` to the column of its labels, or to a list of columns.
        kept: None, or a fitted encoder's classes by task: these then are the classes, and no others are found.

    Raises:
        ValueError: a column has more or fewer classes than its task, or `kept` does not have those of a column of text.

    >>> from mtlzoo import Task
    >>> of_tasks(_table.read({"income": [">50K", "<=50K"]}), {Task.binary("income"): "income"})
    {'income': ('<=50K', '>50K')}
    """
    found = {}
    for task, column in columns.items():
        names = [column] if isinstance(column, str) else list(column)
        if task.kind not in KINDS or len(names) != 1:
            continue
        if kept is not None and task.name in kept:
            found[task.name], where = kept[task.name], f"`encoder`'s classes of task {task.name!r}"
        elif names[0] in frame.columns and is_text(frame[names[0]]):
            if kept is not None:  # Numbered anew, classes might change places.
                raise ValueError(
                    f"`encoder` must have the classes of task {task.name!r}, since column {names[0]!r} holds text; it has those of "
                    f"{', '.join(map(repr, kept)) or 'no task'}. `TableEncoder(encoder.space, classes)` adds them."
                )
            found[task.name], where = sorted_names(frame[names[0]]), f"`table`: the labels of column {names[0]!r}"
        else:
            continue
        check_count(found[task.name], 2 if task.kind == "binary" else task.units, where, task.kind)
    return found


def labels(frame, task, column, names, where):
    """Returns the numbers of a task's classes, row by row.

    Args:
        frame: the table.
        task: the `Task`.
        column: the column of its labels, or a list of that one.
        names: the classes in order.
        where: words for the message.

    Returns:
        float64 [rows], NaN where a cell is empty.

    Raises:
        ValueError: no such column, or a cell that is none of the classes; row and column are named.

    >>> from mtlzoo import Task
    >>> labels(_table.read({"rich": ["yes", None]}), Task.binary("rich"), "rich", ("no", "yes"), "`table`").tolist()
    [1.0, nan]
    """
    series = _table.column(frame, column if isinstance(column, str) else next(iter(column)), f"column of task {task.name}")
    texts, codes = _table.texts(series)
    numbers = {name: float(place) for place, name in enumerate(names)}
    found = np.array([np.nan if _missing(text) else numbers.get(text, -1.0) for text in texts])[codes]
    bad = np.flatnonzero(found == -1)
    if bad.size:
        near = difflib.get_close_matches(texts[codes[bad[0]]], names, n=1, cutoff=0.5)
        error = _table.cell_error(series, bad, f"one of {shown(names)}, or empty, as a label of task {task.name!r}", where)
        raise ValueError(f"{error}{f' Did you mean {near[0]!r}?' if near else ''}")
    return found


def check_count(names, wanted, where, kind):
    """Raises `ValueError` if there are not as many classes as wanted."""
    if len(names) != wanted:
        raise ValueError(f"{where} must be {wanted} unlike texts for a {kind} task; received {len(names)}: {shown(names)}.")


def shown(names):
    """Returns the first names, for a message."""
    return ", ".join(map(repr, names[:SHOWN])) + (", …" if len(names) > SHOWN else "")


def checked(classes):
    """Returns the classes by task as a dict of tuples, after checking that they are that."""
    found = {}
    for task, names in checks.instance("classes", {} if classes is None else classes, Mapping, "a dict of task name to texts").items():
        texts = [] if isinstance(names, str) else [name for name in names if isinstance(name, str) and not _missing(name)]
        if len(set(texts)) < 2 or len(set(texts)) < len(names):
            raise ValueError(f"`classes` must be two or more unlike texts for each task; received {names!r} for {task!r}.")
        found[task] = tuple(texts)
    return found


def numbered(names):
    """Returns a text that says which class has which number.

    >>> numbered(("no", "yes"))
    '"no" is 0, "yes" is 1'
    """
    lines = [f'"{name}" is {place}' for place, name in enumerate(names)]
    return ", ".join(lines if len(lines) <= SHOWN else [*lines[: SHOWN - 2], "…", lines[-1]])


def _missing(text):
    """Whether a cell is empty; "nan" is, as in columns of numbers."""
    return text.strip().lower() in ("", "nan")
