"""Tables as they are given, and their columns read as numbers, as text or as labels; errors name row and column."""

import os
import pathlib
from collections.abc import Mapping

import numpy as np

from mtlzoo import checks
from mtlzoo.data import _labels

READERS = {".csv": "read_csv", ".tsv": "read_csv", ".txt": "read_csv", ".parquet": "read_parquet", ".pq": "read_parquet"}
COMPRESSED = (".gz", ".bz2", ".xz", ".zip")
TIMES = ("datetime64", "datetime", "date", "time", "period")  # The names that pandas gives to what a column holds.
DURATIONS = ("timedelta64", "timedelta")


def read(table, delimiter=","):
    """Returns a table as a DataFrame with columns named by strings; the cells of CSV stay text as it is written.

    Args:
        table: a path of a CSV (also compressed) or Parquet file, a DataFrame, or a dict of columns.
        delimiter: what stands between the cells of CSV, one character.

    Returns:
        A `pandas.DataFrame` of at least one row.

    Raises:
        ValueError, TypeError: no such file, not readable, no rows, columns of unlike length, doubled column names, or no table at all.

    >>> read({"age": [31, 52]}).shape
    (2, 1)
    """
    import pandas

    checks.instance("delimiter", delimiter, str, "a string of one character")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"`delimiter` must be one character, none of a quote and of a line's end; received {delimiter!r}.")
    if isinstance(table, (str, os.PathLike)):
        frame = _from_file(pathlib.Path(table).expanduser(), delimiter)
    elif isinstance(table, pandas.DataFrame):
        frame = table.reset_index(drop=True)
    else:
        checks.instance("table", table, dict, "the path of a CSV or Parquet file, a pandas DataFrame, or a dict of columns")
        frame = _from_columns(table)
    frame.columns = [str(name) for name in frame.columns]
    doubled = sorted(set(frame.columns[frame.columns.duplicated()]))
    if doubled:
        raise ValueError(f"`table` must have unlike column names; received {doubled[0]!r} more than once.")
    if not len(frame) or not len(frame.columns):
        raise ValueError(f"`table` must have rows and columns; received {len(frame)} rows of {len(frame.columns)} columns.")
    return frame


def _from_columns(table):
    """A dict of columns as a DataFrame: cells of one place make a row, whatever index they have."""
    import pandas

    columns = {}
    for name, cells in table.items():
        if not pandas.api.types.is_list_like(cells, allow_sets=False) or isinstance(cells, Mapping):
            raise ValueError(f"`table` must have a sequence of cells for each column; received {cells!r} for {name!r}.")
        columns[name] = (
            cells.reset_index(drop=True) if isinstance(cells, pandas.Series) else cells if hasattr(cells, "__len__") else list(cells)
        )
        first = next(iter(columns))
        if len(columns[name]) != len(columns[first]):
            lengths = f"{len(columns[first])} cells for {first!r} and {len(columns[name])} for {name!r}"
            raise ValueError(f"`table` must have columns of one length; received {lengths}.")
    return pandas.DataFrame(columns)


def _from_file(path, delimiter):
    import pandas

    if not path.is_file():
        raise ValueError(f"`table` must be a file that is there; received {str(path)!r}.")
    suffix = ending(path)
    reader = READERS[checks.one_of("table's ending", suffix, READERS)]
    try:
        if reader == "read_parquet":
            return pandas.read_parquet(path)
        # Without a header pandas neither renames doubled columns nor takes a cell too many for an index: it refuses it, by its line.
        cells = pandas.read_csv(
            path, sep="\t" if suffix == ".tsv" else delimiter, header=None, dtype=str, keep_default_na=False, na_values=[""]
        )
    except (ValueError, OSError, EOFError) as error:  # pandas' own errors are ValueErrors.
        raise ValueError(f"`table` {str(path)!r} cannot be read: {error}") from error
    names = [f"Unnamed: {place}" if pandas.isna(name) else name for place, name in enumerate(cells.iloc[0])]
    return cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def ending(path):
    """Returns the ending of a path that says how its table is written, without that of a compression."""
    return next((suffix.lower() for suffix in reversed(path.suffixes) if suffix.lower() not in COMPRESSED), "")


def column(frame, name, argument):
    """Returns a column of a DataFrame after checking that it is there."""
    return frame[checks.one_of(argument, name, frame.columns)]


def is_number(series):
    """Whether a column holds numbers: by its dtype, or because every cell that is there reads as one.

    Raises:
        ValueError: the column holds durations, which are neither numbers nor, most likely, categories.
    """
    import pandas

    if pandas.api.types.infer_dtype(series, skipna=True) in DURATIONS:
        wanted = "must hold numbers, such as the seconds of its durations, or be said to be a category"
        raise ValueError(f"`table`: column {series.name!r} {wanted}; received durations ({series.dtype}).")
    if isinstance(series.dtype, (pandas.CategoricalDtype, pandas.PeriodDtype)):
        return False
    if pandas.api.types.is_bool_dtype(series) or pandas.api.types.is_datetime64_any_dtype(series):
        return False
    if pandas.api.types.is_numeric_dtype(series):
        return True
    there = series.dropna()
    if any(isinstance(cell, bool) for cell in there):
        return False
    return bool(len(there)) and not pandas.to_numeric(there, errors="coerce").isna().any()


def numbers(series, where):
    """Returns a column as numbers, float64 with NaN for empty cells.

    Args:
        series: the column.
        where: words for the message.

    Raises:
        ValueError: a cell is no number or infinite; row and column are named. Or the column holds times or durations, which pandas
            would count in a unit of its own.

    >>> import pandas
    >>> numbers(pandas.Series(["1.5", None], name="price"), "`table`").tolist()
    [1.5, nan]
    """
    import pandas

    held = pandas.api.types.infer_dtype(series, skipna=True)
    if held in TIMES or held in DURATIONS:
        raise ValueError(f"{where}: column {series.name!r} must hold numbers, such as days or seconds; received {held} ({series.dtype}).")
    found = pandas.to_numeric(series, errors="coerce").to_numpy("float64", na_value=np.nan)
    bad = np.flatnonzero((np.isnan(found) & series.notna().to_numpy()) | np.isinf(found))
    bad = [row for row in bad.tolist() if str(series.iloc[row]).strip().lower() != "nan"]
    if bad:
        raise cell_error(series, bad, "a finite number or empty", where)
    return found


def texts(series):
    """Returns the distinct texts of a column and, for each row, which of them it is; an empty cell is the text "".

    Whole numbers are written without a point, whatever their dtype: 36, 36.0 and "36" are one category.

    >>> import pandas
    >>> texts(pandas.Series([36.0, None, 36.0]))
    (['36', ''], array([0, 1, 0]))
    """
    import pandas

    codes, values = pandas.factorize(series)
    names = [_text(value) for value in values]
    if (codes < 0).any():
        codes, names = np.where(codes < 0, len(names), codes), [*names, ""]
    return names, codes


def _text(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def labels(frame, task, name, where):
    """Returns the labels of a task, NaN where a cell is empty.

    Args:
        frame: the table.
        task: the `Task`.
        name: the column that holds them, or a list of columns for tasks with several entries.
        where: words for the message.

    Returns:
        float64 [rows, *task.label_shape].

    Raises:
        ValueError: no such column, too few or many columns, or a cell that is no label of the task; row and column are named.

    >>> from mtlzoo import Task
    >>> labels(read({"even": [0, 1, None]}), Task.binary("even"), "even", "`table`").tolist()
    [0.0, 1.0, nan]
    """
    names = [name] if isinstance(name, str) else list(name)
    wanted = task.label_shape[0] if task.label_shape else 1
    if len(names) != wanted:
        raise ValueError(f"`tasks` must name {wanted} columns for {task.name!r} ({task.kind}); received {names}.")
    found = []
    for one in names:
        series = column(frame, one, f"column of task {task.name}")
        values = numbers(series, where)
        ignored = task.kind != "regression"
        bad = np.flatnonzero(~(np.isnan(values) | (ignored & (values == -1))))
        bad = bad[~_labels._valid(task, values[bad])]
        if bad.size:
            raise cell_error(series, bad, f"{_labels._wanted(task)}, or empty, as a label of task {task.name!r}", where)
        found.append(values)
    return np.stack(found, axis=1) if task.label_shape else found[0]


def cell_error(series, rows, wanted, where):
    """Returns the `ValueError` for cells of a column that are not as wanted: the first of them, and how many there are."""
    more = f" ({len(rows)} such cells)" if len(rows) > 1 else ""
    cell = series.iloc[rows[0]]
    cell = cell.item() if isinstance(cell, np.generic) else cell
    return ValueError(f"{where}: column {series.name!r}, row {rows[0] + 1} must be {wanted}; received {cell!r}{more}.")
