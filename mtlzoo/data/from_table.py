"""`from_table`: a CSV or Parquet file or a DataFrame as mixtures of ids and normalised numbers, with the encoder that made them."""

import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mtlzoo import _task_parts, checks
from mtlzoo.data import _classes, _columns, _table
from mtlzoo.data.aligned import aligned
from mtlzoo.data.sources._registry import Splits
from mtlzoo.data.split import FRACTIONS, split
from mtlzoo.data.table_encoder import TableEncoder
from mtlzoo.task import Task, check_tasks

PARTS = ("train", "validation", "test")


def from_table(
    table,
    tasks: Iterable[Task] | Mapping[Task, str | Sequence[str]],
    *,
    features: Mapping[str, str] | Sequence[str] | None = None,
    splits: Mapping[str, float] | str = FRACTIONS,
    batch_size: int = 128,
    seed: int = 0,
    min_count: int = 1,
    delimiter: str = ",",
    encoder: TableEncoder | None = None,
    standardize: bool = False,
    limit: int | None = None,
    verbose: bool = True,
) -> Splits:
    """Reads a table whose columns are features and labels: tasks, an encoder, and a mixture for train, validation and test.

    The rows are split first. Vocabularies, means and deviations are measured on the training rows alone. The whole table is encoded
    once and held in memory, so that a step of training looks up no text. `TableEncoder` says what becomes of texts that the training
    rows do not have (id 0) and of missing numbers (the mean). An empty label cell is a missing label, of weight 0; so is −1 for
    tasks of classification. Rows in messages count from 1, without the header.

    Labels of a binary or multiclass task may be text, as many unlike ones as the task has classes. These are numbered in sorted order
    (of two, the second is 1) over all rows, so that one which the training rows lack has its number, too, and kept in
    `encoder.classes`.

    Args:
        table: path of a CSV (`.csv`, `.tsv`, `.txt`; also compressed, `.gz` and so on) or Parquet file (`.parquet`, `.pq`), a pandas
            DataFrame, or a dict of columns, whose cells of one place make a row. In CSV only empty cells are missing, categories are the
            text as it is written, and a row of more cells than the header is refused.
        tasks: the tasks, each with a column of its name; or a dict of task to the column of its labels (to a list of columns for
            labels with several entries). Labels are numbers: 0 or 1, a class from 0 on, or any number for regression; or text alone.
        features: dict of column to "category" or "number"; or the columns whose kinds are to be inferred; None for all that are
            neither labels nor the split. A column is inferred to hold numbers if all its cells that are there read as such; pandas'
            own categories, booleans and times are categories, durations are refused.
        splits: fractions by "train", "validation" and "test"; or the column that says for each row which of these it belongs to.
        batch_size: rows a batch.
        seed: decides the split and the order.
        min_count: how often a category must occur in the training rows to have an id of its own.
        delimiter: what stands between the cells of CSV, one character (a tab in `.tsv`).
        encoder: None to fit one, or one that is fitted, such as that of a model that is to be judged on this table. Its columns are
            then the features, its classes those of labels that are text, and `features` and `min_count` stay as they are.
        standardize: whether tasks of regression work in standard deviations from the mean of the training labels, as `Task.regression`
            with `standardize` does; labels, outputs and metrics keep their unit.
        limit: None, or the most rows of each split.
        verbose: whether inferred kinds are printed.

    Returns:
        `Splits` with the `encoder`; x is `{"categories": int32 [b, C], "numbers": float32 [b, N]}`, or one of these.

    Raises:
        ValueError, TypeError: a column that is not there, a cell that is not what its column must hold (with row and column), a
            split without rows, a task without labels, numbers too close together for float32 to tell apart, and so on.

    Source: the reading of tables in pandas; the encoder is `keras.utils.FeatureSpace`.

    >>> table = {"city": ["Rome", "Oslo"] * 50, "age": list(range(100)), "rich": [0, 1] * 50}
    >>> splits = from_table(table, [Task.binary("rich")], batch_size=32)
    city: category, 2 known (Oslo, Rome)
    age: number, mean 49.02, std 29.4
    >>> splits.inputs, splits.sizes, splits.encoder.sizes
    ({'categories': (1, 'int32'), 'numbers': (1,)}, {'train': 80, 'validation': 10, 'test': 10}, (3,))
    """
    columns = dict(tasks) if isinstance(tasks, Mapping) else {task: task.name for task in check_tasks(tasks)}
    tasks = check_tasks(columns)
    for task in tasks:
        if task.name in ("categories", "numbers"):
            raise ValueError(f"`tasks` must not be named as the inputs 'categories' and 'numbers'; received {task.name!r}.")
    frame = _table.read(table, delimiter)
    if encoder is not None:
        checks.instance("encoder", encoder, TableEncoder, "a mtlzoo.data.TableEncoder")
    classes = _classes.of_tasks(frame, columns, None if encoder is None else encoder.classes)
    labels = {task.name: _labels(frame, task, name, classes) for task, name in columns.items()}
    taken = {one for name in columns.values() for one in ([name] if isinstance(name, str) else name)}
    rows = _rows_by_column(frame, splits) if isinstance(splits, str) else _rows_by_fraction(len(frame), splits, seed)
    if limit is not None:
        rows = {name: chosen[: checks.integer("limit", limit, low=1)] for name, chosen in rows.items()}
    taken |= {splits} if isinstance(splits, str) else set()
    kinds = _kinds(frame, features, taken) if encoder is None else _kinds_of_encoder(frame, encoder, taken, features, min_count)
    # Read here, where the rows are still the table's own, so that messages name them right.
    for name in [name for name, kind in kinds.items() if kind == "number"]:
        frame[name] = _table.numbers(frame[name], "`table`")
    if encoder is None:
        encoder = TableEncoder.fit(frame.iloc[rows["train"]], kinds, min_count=min_count, classes=classes)
        if verbose and not isinstance(features, Mapping):
            sys.stdout.write(encoder.describe() + "\n")
    if standardize:
        tasks = tuple(_standardized(task, labels[task.name][rows["train"]]) for task in tasks)
    encoded, mixtures = encoder.encode(frame), {}
    for name, chosen in rows.items():
        x = {key: values[chosen] for key, values in encoded.items()}
        y = {task: values[chosen] for task, values in labels.items()}
        mixtures[name] = aligned((x, y), tasks, batch_size=batch_size, seed=seed, shuffle=name == "train")
    sizes = {name: len(chosen) for name, chosen in rows.items()}
    info = f"a table of {len(frame)} rows, {len(encoder.categories)} categories and {len(encoder.numbers)} numbers"
    return Splits(tasks=tasks, inputs=encoder.inputs, sizes=sizes, info=info, encoder=encoder, **mixtures)


def _labels(frame, task, column, classes):
    if task.name in classes:
        return _classes.labels(frame, task, column, classes[task.name], "`table`")
    return _table.labels(frame, task, column, "`table`")


def _standardized(task, labels):
    """The task with head and loss in standard deviations of the training labels, if it is a regression of numbers that differ."""
    there = labels[~np.isnan(labels)]
    if task.kind != "regression" or not there.size or there.min() == there.max():
        return task
    activation, loss = _task_parts.standardized((float(there.mean()), float(there.std())), task.activation, task.loss)
    return task.replace(activation=activation, loss=loss)


def _kinds(frame, features, taken):
    """The kinds of the features, none of which may be a label or the split."""
    if features is None:
        features = [name for name in frame.columns if name not in taken]
    for name in features:
        if name in taken:
            raise ValueError(f"`features` must not hold labels or the split; received {name!r}.")
    return _columns.kinds_of(frame, features)


def _kinds_of_encoder(frame, encoder, taken, features, min_count):
    """The kinds of the features of an encoder that is fitted, for which nothing is left to be said."""
    if features is not None or min_count != 1:
        raise ValueError(f"`encoder` decides the features; received features={features!r} and min_count={min_count!r} beside it.")
    _kinds(frame, encoder.columns, taken)
    return {name: "category" if name in encoder.categories else "number" for name in encoder.columns}


def _rows_by_fraction(size, fractions, seed):
    checks.instance("splits", fractions, Mapping, "a dict of fractions by split, or the name of a column")
    checks.exact_keys("splits", fractions, PARTS)
    return split(np.arange(size), {name: fractions[name] for name in PARTS}, seed=seed)


def _rows_by_column(frame, name):
    series = _table.column(frame, name, "splits")
    parts = series.astype(str)
    bad = np.flatnonzero(~parts.isin(PARTS).to_numpy())
    if bad.size:
        raise _table.cell_error(series, bad, f"one of {', '.join(map(repr, PARTS))}", "`table`")
    rows = {part: np.flatnonzero((parts == part).to_numpy()) for part in PARTS}
    for part, found in rows.items():
        if not found.size:
            raise ValueError(f"`splits` must give rows to every split; column {name!r} gives none to {part!r}.")
    return rows
