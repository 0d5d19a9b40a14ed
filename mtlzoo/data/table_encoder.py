"""`TableEncoder`: what turns the columns of a table into ids and normalised numbers, fitted once, kept with the model."""

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.utils import FeatureSpace

from mtlzoo import checks, files
from mtlzoo.data import _classes, _columns, _table

CLASSES = "classes.json"  # The entry of the saved file, beside those of Keras.


class TableEncoder:
    """Turns raw columns into `{"categories": ids [rows, C], "numbers": normalised [rows, N]}`; a fitted `keras.utils.FeatureSpace`.

    Made by `TableEncoder.fit` or `mtlzoo.data.from_table`, from training rows alone.

    - A category is text. Its id is 1 or more; id 0 is any text that the training rows do not have. An empty cell is the text ""
      and thus a category of its own if training rows have empty cells, unknown otherwise.
    - A number is normalised to (x − mean) / std of the training rows; an empty cell (NaN) becomes 0, the mean.

    Args:
        space: a `FeatureSpace` with output_mode="dict", of float32 features that give numbers and string features that give ids.
        classes: dict of task name to the texts of its classes in order, of the tasks whose labels are text: the first is class 0. A
            model's classes keep their numbers by it, whatever other table is read.

    Raises:
        TypeError: `space` is no FeatureSpace, or `classes` no dict.
        ValueError: the classes of a task are not two or more unlike texts.

    Source: `keras.utils.FeatureSpace`.

    >>> encoder = TableEncoder.fit({"city": ["Rome", "Oslo", "Rome"], "age": [20, 40, 60]})
    >>> encoder.categories, encoder.numbers, encoder.sizes
    (('city',), ('age',), (3,))
    >>> encoded = encoder.encode({"city": ["Oslo", "Paris"], "age": [40.0, None]})
    >>> encoded["categories"].tolist(), encoded["numbers"].tolist()
    ([[2], [0]], [[0.0], [0.0]])
    """

    def __init__(self, space: FeatureSpace, classes: Mapping[str, Sequence[str]] | None = None):
        self.space = checks.instance("space", space, FeatureSpace, "a keras.utils.FeatureSpace")
        self.classes = _classes.checked(classes)
        dtypes = {name: feature.dtype for name, feature in space.features.items()}
        self.categories = tuple(name for name, dtype in dtypes.items() if dtype == "string")
        self.numbers = tuple(name for name, dtype in dtypes.items() if dtype != "string")
        space.build_from_config({})  # Vocabularies, means and variances are there: nothing is left to adapt.
        space.get_inputs()  # Builds it here: built in a graph, it would keep that graph's tensors.
        space.built = True

    @classmethod
    def fit(
        cls,
        table,
        features: Mapping[str, str] | Sequence[str] | None = None,
        *,
        min_count: int = 1,
        delimiter: str = ",",
        classes: Mapping[str, Sequence[str]] | None = None,
    ) -> "TableEncoder":
        """Measures vocabularies, means and variances of a table, which should be the training rows alone.

        Args:
            table: a path, DataFrame or dict of columns, as in `mtlzoo.data.from_table`.
            features: dict of column to "category" or "number"; or a sequence of columns, whose kinds are inferred; None for all.
            min_count: how often a category must occur to have an id of its own; rarer ones are read as unknown.
            delimiter: what stands between the cells of CSV.
            classes: dict of task name to the texts of its classes, which are kept as they are.

        Returns:
            A `TableEncoder`.

        Raises:
            ValueError, TypeError: an argument is not as said above; a cell that is no number is named by row and column; the numbers
                of a column lie so close together, so far from 0, that float32 takes them for one.
        """
        checks.integer("min_count", min_count, low=1)
        frame = _table.read(table, delimiter)
        made = {}
        for name, kind in _columns.kinds_of(frame, features).items():
            if "/" in name or not name:
                raise ValueError(f"`features` must have names without '/', which Keras keeps for paths; received {name!r}.")
            series = _table.column(frame, name, "features key")
            made[name] = _columns.category(series, min_count) if kind == "category" else _columns.number(series)
        return cls(FeatureSpace(made, output_mode="dict"), classes)

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

    def encode(self, table, *, delimiter: str = ",") -> dict:
        """Encodes a table in memory; each distinct text is looked up once.

        Args:
            table: a path, DataFrame or dict of columns that has this encoder's columns; others are not read.
            delimiter: what stands between the cells of CSV.

        Returns:
            Dict of "categories", int32 array [rows, C], and "numbers", float32 array [rows, N], or of one of them.

        Raises:
            ValueError, TypeError: a column is missing, or a cell is no number; row and column are named.
        """
        frame, found = _table.read(table, delimiter), {}
        if self.categories:
            found["categories"] = np.stack([self._ids(_table.column(frame, name, "column")) for name in self.categories], axis=1)
        if self.numbers:
            found["numbers"] = np.stack([self._normalised(_table.column(frame, name, "column")) for name in self.numbers], axis=1)
        return found

    def raw(self, table, *, delimiter: str = ",") -> dict:
        """Returns a table's columns as a SavedModel with this encoder takes them: texts and float32 numbers, NaN for missing.

        Args:
            table: as for `encode`.
            delimiter: what stands between the cells of CSV.

        Returns:
            Dict of column to array [rows].
        """
        frame, found = _table.read(table, delimiter), {}
        for name in self.categories:
            names, codes = _table.texts(_table.column(frame, name, "column"))
            found[name] = np.array(names, object)[codes]
        for name in self.numbers:
            found[name] = _columns.numbers(_table.column(frame, name, "column")).astype("float32")
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
            if self.classes:
                with zipfile.ZipFile(Path(folder) / "encoder.keras", "a") as archive:
                    archive.writestr(CLASSES, json.dumps(self.classes))
            return files.write(path, (Path(folder) / "encoder.keras").read_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike) -> "TableEncoder":
        """Reads an encoder from the file that `save` wrote."""
        try:
            space = keras.saving.load_model(path)
            with zipfile.ZipFile(path) as archive:
                classes = json.loads(archive.read(CLASSES)) if CLASSES in archive.namelist() else None
            return cls(space, classes)
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"`path` must be a file that TableEncoder.save wrote; {str(path)!r} cannot be read ({error}).") from error

    def _ids(self, series):
        names, codes = _table.texts(series)
        return keras.ops.convert_to_numpy(self.space.preprocessors[series.name](tf.constant(names)))[codes].astype("int32")

    def _normalised(self, series):
        values = _columns.numbers(series).astype("float32")[:, np.newaxis]
        return np.nan_to_num(keras.ops.convert_to_numpy(self.space.preprocessors[series.name](values)))[:, 0]


def _signature_name(name):
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_.") else "_" for letter in name).lstrip("_") or "column"
