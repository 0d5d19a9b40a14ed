"""`TableEncoder`: what turns the columns of a table into ids and normalised numbers, fitted once, kept with the model."""

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.utils import FeatureSpace

from mtlzoo import checks, files
from mtlzoo.data import _table

UNKNOWN = "[UNK]"
KINDS = ("category", "number")


class TableEncoder:
    """Turns raw columns into `{"categories": ids [rows, C], "numbers": normalised [rows, N]}`; a fitted `keras.utils.FeatureSpace`.

    Made by `TableEncoder.fit` or `mtlzoo.data.from_table`, from training rows alone.

    - A category is text. Its id is 1 or more; id 0 is any text that the training rows do not have. An empty cell is the text ""
      and thus a category of its own if training rows have empty cells, unknown otherwise.
    - A number is normalised to (x − mean) / std of the training rows; an empty cell (NaN) becomes 0, the mean.

    Args:
        space: a `FeatureSpace` with output_mode="dict", of float32 features that give numbers and string features that give ids.

    Raises:
        TypeError: `space` is no FeatureSpace.

    Source: `keras.utils.FeatureSpace`.

    >>> encoder = TableEncoder.fit({"city": ["Rome", "Oslo", "Rome"], "age": [20, 40, 60]})
    >>> encoder.categories, encoder.numbers, encoder.sizes
    (('city',), ('age',), (3,))
    >>> encoded = encoder.encode({"city": ["Oslo", "Paris"], "age": [40.0, None]})
    >>> encoded["categories"].tolist(), encoded["numbers"].tolist()
    ([[2], [0]], [[0.0], [0.0]])
    """

    def __init__(self, space: FeatureSpace):
        self.space = checks.instance("space", space, FeatureSpace, "a keras.utils.FeatureSpace")
        dtypes = {name: feature.dtype for name, feature in space.features.items()}
        self.categories = tuple(name for name, dtype in dtypes.items() if dtype == "string")
        self.numbers = tuple(name for name, dtype in dtypes.items() if dtype != "string")
        space.build_from_config({})  # Vocabularies, means and variances are there: nothing is left to adapt.
        space.get_inputs()  # Builds it here: built in a graph, it would keep that graph's tensors.
        space.built = True

    @classmethod
    def fit(cls, table, features: Mapping[str, str] | Sequence[str] | None = None, *, min_count: int = 1) -> "TableEncoder":
        """Measures vocabularies, means and variances of a table, which should be the training rows alone.

        Args:
            table: a path, DataFrame or dict of columns, as in `mtlzoo.data.from_table`.
            features: dict of column to "category" or "number"; or a sequence of columns, whose kinds are inferred; None for all.
            min_count: how often a category must occur to have an id of its own; rarer ones are read as unknown.

        Returns:
            A `TableEncoder`.

        Raises:
            ValueError, TypeError: an argument is not as said above; a cell that is no number is named by row and column; the numbers
                of a column lie so close together, so far from 0, that float32 takes them for one.
        """
        checks.integer("min_count", min_count, low=1)
        frame = _table.read(table)
        made = {}
        for name, kind in kinds_of(frame, features).items():
            if "/" in name or not name:
                raise ValueError(f"`features` must have names without '/', which Keras keeps for paths; received {name!r}.")
            series = _table.column(frame, name, "features key")
            made[name] = _category(series, min_count) if kind == "category" else _number(series)
        return cls(FeatureSpace(made, output_mode="dict"))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns: categories, then numbers."""
        return (*self.categories, *self.numbers)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of ids of each category column, the one for unknown included; what `mtlzoo.trunks.tabular` asks for."""
        return tuple(self.space.preprocessors[name].vocabulary_size() for name in self.categories)

    @property
    def inputs(self) -> dict:
        """What the encoded columns are as inputs of a builder: shapes without the batch, ids with their dtype."""
        found = {"categories": (len(self.categories), "int32"), "numbers": (len(self.numbers),)}
        return {key: shape for key, shape in found.items() if shape[0]}

    def vocabulary(self, column: str) -> list[str]:
        """Returns the texts of a category column by id; the first stands for what is unknown."""
        checks.one_of("column", column, self.categories)
        return [str(text) for text in self.space.preprocessors[column].get_vocabulary()]

    def __call__(self, columns: Mapping) -> dict:
        """Encodes raw columns in the graph, as a SavedModel does.

        Args:
            columns: dict of column to tensor [rows]: strings for categories, numbers (NaN for missing) for the rest.

        Returns:
            Dict of "categories", int32 [rows, C], and "numbers", float32 [rows, N], or of one of them.
        """
        checks.exact_keys("columns", columns, self.columns)
        encoded, found = self.space(dict(columns)), {}
        if self.categories:
            found["categories"] = tf.concat([tf.cast(encoded[name], "int32") for name in self.categories], axis=1)
        if self.numbers:
            numbers = tf.concat([encoded[name] for name in self.numbers], axis=1)
            found["numbers"] = tf.where(tf.math.is_nan(numbers), tf.zeros_like(numbers), numbers)
        return found

    def encode(self, table) -> dict:
        """Encodes a table in memory; each distinct text is looked up once.

        Args:
            table: a path, DataFrame or dict of columns that has this encoder's columns; others are not read.

        Returns:
            Dict of "categories", int32 array [rows, C], and "numbers", float32 array [rows, N], or of one of them.

        Raises:
            ValueError, TypeError: a column is missing, or a cell is no number; row and column are named.
        """
        frame, found = _table.read(table), {}
        if self.categories:
            found["categories"] = np.stack([self._ids(_table.column(frame, name, "column")) for name in self.categories], axis=1)
        if self.numbers:
            found["numbers"] = np.stack([self._normalised(_table.column(frame, name, "column")) for name in self.numbers], axis=1)
        return found

    def raw(self, table) -> dict:
        """Returns a table's columns as a SavedModel with this encoder takes them: texts and float32 numbers, NaN for missing."""
        frame, found = _table.read(table), {}
        for name in self.categories:
            names, codes = _table.texts(_table.column(frame, name, "column"))
            found[name] = np.array(names, object)[codes]
        for name in self.numbers:
            found[name] = _numbers(_table.column(frame, name, "column")).astype("float32")
        return found

    def specs(self) -> dict:
        """Returns the raw columns as `tf.TensorSpec`s for a batch of any size; names are made fit for a signature."""
        names = [_signature_name(name) for name in self.columns]
        doubled = [name for name in names if names.count(name) > 1]
        if doubled:
            raise ValueError(f"`encoder` must have columns whose names differ in letters, digits, '_' and '.'; two are {doubled[0]!r}.")
        dtypes = ["string"] * len(self.categories) + ["float32"] * len(self.numbers)
        return {column: tf.TensorSpec((None,), dtype, name=name) for column, dtype, name in zip(self.columns, dtypes, names, strict=True)}

    def describe(self) -> str:
        """Returns a text of one line a column: its kind, and its vocabulary's size or its mean and standard deviation."""
        lines = []
        for name in self.categories:
            texts = self.vocabulary(name)[1:]
            shown = ", ".join(texts[:3]) + (", …" if len(texts) > 3 else "")
            lines.append(f"{name}: category, {len(texts)} known ({shown})")
        for name in self.numbers:
            config = self.space.preprocessors[name].get_config()
            mean, variance = (float(np.ravel(config[key])[0]) for key in ("mean", "variance"))
            lines.append(f"{name}: number, mean {mean:.4g}, std {variance**0.5:.4g}")
        return "\n".join(lines)

    def save(self, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
        """Writes the encoder to a `.keras` file, whole or not at all.

        Args:
            path: the file, ending in `.keras`.
            overwrite: whether a file that is there may be replaced.

        Returns:
            The path.
        """
        path = files.free_path("path", path, overwrite)
        if path.suffix != ".keras":
            raise ValueError(f"`path` must end in '.keras'; received {str(path)!r}.")
        with tempfile.TemporaryDirectory() as folder:
            self.space.save(Path(folder) / "encoder.keras")
            return files.write(path, (Path(folder) / "encoder.keras").read_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "TableEncoder":
        """Reads an encoder from the file that `save` wrote."""
        try:
            return cls(keras.saving.load_model(path))
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"`path` must be a file that TableEncoder.save wrote; {str(path)!r} cannot be read ({error}).") from error

    def _ids(self, series):
        names, codes = _table.texts(series)
        return keras.ops.convert_to_numpy(self.space.preprocessors[series.name](tf.constant(names)))[codes].astype("int32")

    def _normalised(self, series):
        values = _numbers(series).astype("float32")[:, np.newaxis]
        return np.nan_to_num(keras.ops.convert_to_numpy(self.space.preprocessors[series.name](values)))[:, 0]


def kinds_of(frame, features):
    """Returns the kind of each feature by column, as given or inferred; inferred, columns without a value are left out."""
    if isinstance(features, Mapping):
        for name, kind in features.items():
            checks.one_of("features key", name, frame.columns)
            checks.one_of(f"kind of feature {name}", kind, KINDS)
        found = dict(features)
    else:
        names = list(frame.columns) if features is None else list(checks.instance("features", features, Sequence, "a dict or a sequence"))
        series = {name: _table.column(frame, name, "features") for name in names}
        found = {name: "number" if _table.is_number(one) else "category" for name, one in series.items() if one.notna().any()}
    if not found:
        raise ValueError(f"`features` must be at least one column with values; received {features!r} and columns {list(frame.columns)}.")
    return found


def _category(series, min_count):
    names, codes = _table.texts(series)
    counts = Counter()
    for name, count in zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True):
        counts[name] += count
    known = [name for name, count in counts.items() if count >= min_count and name != UNKNOWN]
    known.sort(key=lambda name: (-counts[name], name))
    lookup = keras.layers.StringLookup(vocabulary=known or [""], num_oov_indices=1, oov_token=UNKNOWN)
    return FeatureSpace.feature("string", lookup, "int")


def _number(series):
    values = _numbers(series)
    there = values[~np.isnan(values)]
    if not there.size or there.min() == there.max():
        mean, variance = float(there[0]) if there.size else 0.0, 1.0
    else:
        mean, variance = float(there.mean()), float(there.var())
        _check_spread(series.name, there, mean, variance**0.5)
    return FeatureSpace.feature("float32", keras.layers.Normalization(mean=mean, variance=variance), "float")


def _numbers(series):
    """A column as numbers, float64, none of which is beyond float32."""
    values = _table.numbers(series, "`table`")
    bad = np.flatnonzero(np.abs(values) > np.finfo("float32").max)
    if bad.size:
        raise _table.cell_error(series, bad, "a number that float32 can hold", "`table`")
    return values


def _check_spread(name, values, mean, std):
    """Raises `ValueError` if float32, in which numbers are normalised, takes unlike values of a column for one."""
    received = f"received values of mean {mean:.6g} and standard deviation {std:.3g}"
    if np.abs(values - values.astype("float32")).max() > std / 1000:
        raise ValueError(
            f"`table`: column {name!r} must hold numbers that float32 tells apart; {received}. Subtract an offset, such as the least."
        )
    low, high = keras.config.epsilon(), float(np.finfo("float32").max) ** 0.5
    if not low <= std <= high:
        raise ValueError(
            f"`table`: column {name!r} must have a standard deviation from {low:g} to {high:.2g}; {received}. Give it another unit."
        )


def _signature_name(name):
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_.") else "_" for letter in name).lstrip("_") or "column"
