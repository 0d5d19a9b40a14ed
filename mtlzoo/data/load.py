"""`load`: a source by its name, a table by its path, or TFDS image sets joined by "+"."""

import dataclasses
import inspect
import pathlib
from collections.abc import Sequence

import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data import _table, sources
from mtlzoo.data.from_table import PARTS, from_table
from mtlzoo.data.infer_tasks import infer_tasks
from mtlzoo.data.sources import Splits


def load(
    spec: str = "digits",
    data_dir: str | None = None,
    *,
    tasks: Sequence[str] = (),
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
    encoder=None,
    verbose: bool = True,
) -> Splits:
    """Loads a data set by name: tasks and a mixture for train, validation and test.

    Args:
        spec: a registered source ("digits"; see `mtlzoo.data.sources.names()`); the path of a CSV or Parquet file; or TFDS
            image-classification sets joined by "+", such as "mnist+fashion_mnist".
        data_dir: folder with the prepared data; None for embedded data and for the TFDS default folder. For a file: None, or the folder
            that holds a file of this name.
        tasks: for a file, its columns of labels, as `infer_tasks` reads them ("income", "rooms:multiclass:6"); tasks of regression are
            standardised. Otherwise the names of those tasks of the source that are wanted, all of them if there are none.
        batch_size: rows a batch.
        seed: decides splits and order.
        limit: None, or the most rows of each split (of each TFDS set).
        encoder: for a table, the `mtlzoo.data.TableEncoder` of a trained model, which is used instead of one fitted anew.
        verbose: whether what is inferred of a file is printed.

    Returns:
        `Splits`.

    Raises:
        ValueError, TypeError: unknown names (with the nearest), a missing or half-written folder and so on; an encoder for a source
            that is no table.

    Source: the specs of `mtlzoo train --data`.

    >>> [task.name for task in load("digits", limit=50).tasks]
    ['left', 'right', 'sum']
    """
    checks.instance("data", spec, str, "a source's name, the path of a table, or names joined by '+'")
    if isinstance(tasks, str):
        raise TypeError(f"`tasks` must be a sequence of names; received {tasks!r}.")
    if is_table(spec):
        path = pathlib.Path(data_dir, pathlib.Path(spec).name) if data_dir else pathlib.Path(spec)
        found, frame = _tasks_of_file(path, tasks, encoder, verbose)
        splits = from_table(frame, found, batch_size=batch_size, seed=seed, encoder=encoder, standardize=True, limit=limit, verbose=verbose)
        return dataclasses.replace(splits, info=f"{path.name}, {splits.info}")
    options = {"batch_size": batch_size, "seed": seed, "limit": limit}
    if encoder is not None:
        tables = [name for name in sources.names() if "encoder" in inspect.signature(sources.get(name)).parameters]
        if spec not in tables:
            raise ValueError(f"`encoder` is for files of tables and for {', '.join(map(repr, tables))}; received data {spec!r} with one.")
        options["encoder"] = encoder
    if spec in sources.names():
        return _with_tasks(sources.get(spec)(data_dir, **options), tasks)
    own = [name for name in spec.split("+") if name in sources.names()]
    if own:
        raise ValueError(
            f"`data` joins TFDS sets by '+'; {own[0]!r} is a source with tasks of its own and stands alone. Received {spec!r}."
        )
    return _with_tasks(sources.from_tfds(spec, data_dir, **options), tasks)


def is_table(spec: str) -> bool:
    """Says whether `load` takes a text for the path of a table: by its ending, whether the file is there or not.

    Args:
        spec: what `load` is given.

    Returns:
        A bool.

    Source: the endings that `from_table` reads.

    >>> is_table("people.csv"), is_table("people.csv.gz"), is_table("digits")
    (True, True, False)
    """
    return spec not in sources.names() and _table.ending(pathlib.Path(spec)) in _table.READERS


def _tasks_of_file(path, tasks, encoder, verbose):
    """The tasks of a file, with their columns, and its table."""
    frame = _table.read(path)
    if not tasks:
        raise ValueError(
            f"`tasks` must name the columns of {str(path)!r} that are to be predicted (--task COLUMN, once or more); "
            f"its columns are {', '.join(map(repr, frame.columns))}."
        )
    return infer_tasks(frame, tasks, encoder=encoder, verbose=verbose), frame


def _with_tasks(splits, names):
    """The splits with those of their tasks that are named; inputs, rows and order stay as they are."""
    if not names:
        return splits
    known = {task.name: task for task in splits.tasks}
    chosen = tuple(known[checks.one_of("tasks", name, known)] for name in dict.fromkeys(names))
    kept = [task.name for task in chosen]

    def select(x, y, weights):
        return x, {name: y[name] for name in kept}, {name: weights[name] for name in kept}

    def selected(mixture):
        made = mixture.map(tf.autograph.experimental.do_not_convert(select))
        made.mtlzoo_epochs = mixture.mtlzoo_epochs
        return made

    return dataclasses.replace(splits, tasks=chosen, **{part: selected(getattr(splits, part)) for part in PARTS})
