"""`TableEmbedding`: columns of categories and numbers as one vector, by one table and one look-up."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from mtlzoo import checks, seeds

KEYS = ("categories", "numbers")
_DENSE_ROWS = 2**16
_EXACT_IN_FLOAT = {"bfloat16": 2**8, "float16": 2**11, "float32": 2**24, "float64": 2**53}


@keras.saving.register_keras_serializable(package="mtlzoo")
class TableEmbedding(keras.layers.Layer):
    """Embeds the category columns of a table, and puts the numbers beside them.

    All columns of one width lie in one table, one after the other, and are had by one look-up.

    Args:
        sizes: the number of ids of each category column; empty for a table of numbers alone.
        width: entries of an embedding, or a sequence of one width a column.
        embeddings_initializer: a Keras initializer.
        embeddings_regularizer: None or a Keras regularizer.
        name: the layer's name.
        trainable: whether the tables are trained.
        dtype: as in Keras.

    Input: a dict of "categories", whole numbers [batch, columns] from 0 to size − 1, and "numbers", [batch, numbers], or of one of
    them; or the categories alone. An id that its column does not have is read as id 0, which the encoders of this package keep for
    what they do not know. Output [batch, Σ widths + numbers]: the embeddings, by column if all widths are alike and else by rising
    width, then the numbers. Weights: a table [Σ sizes, width] for each width.

    Raises:
        ValueError, TypeError: an argument is not as said above, or ids come as floats too short to hold them.

    Source: the fused look-up of recommender libraries, such as the batched tables of TorchRec.

    >>> layer = TableEmbedding(sizes=(3, 5), width=4)
    >>> tuple(layer({"categories": ops.zeros((2, 2), "int32"), "numbers": ops.ones((2, 6))}).shape)
    (2, 14)
    >>> [tuple(weight.shape) for weight in layer.weights]
    [(8, 4)]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        width: int | Sequence[int] = 8,
        *,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)  # Ids in short floats would be other ids.
        self.sizes = checks.widths("sizes", sizes)
        self.widths = _widths(width, len(self.sizes))
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_regularizer = keras.regularizers.get(embeddings_regularizer)
        self._groups = [Columns(self.sizes, self.widths, width) for width in sorted(set(self.widths))]

    def build(self, input_shape):
        """Makes the tables."""
        parts = _named(input_shape, bare=lambda shape: not isinstance(shape, Mapping))
        _check(parts, self.sizes, self.name)
        self.tables = [
            self.add_weight(
                name="table" if len(self._groups) == 1 else f"table{group.width}",
                shape=(group.rows, group.width),
                initializer=self._initializer(group),
                regularizer=self.embeddings_regularizer,
            )
            for group in self._groups
        ]

    def _initializer(self, group):
        if len(self._groups) == 1:
            return self.embeddings_initializer
        return keras.initializers.get(seeds.reseed(keras.initializers.serialize(self.embeddings_initializer), None, group.width))

    def call(self, x):
        """Returns [batch, Σ widths + numbers]."""
        x = _named(x, bare=lambda part: not isinstance(part, Mapping))
        found = []
        if self.sizes:
            check_ids(x["categories"], self.sizes, self.name)
            ids = ops.cast(x["categories"], "int32")
            for group, table in zip(self._groups, self.tables, strict=True):
                # The product makes the gradient dense: optimizers take far longer for a look-up's sparse one, where rows come many times.
                whole = ops.multiply(table, 1.0) if group.rows <= _DENSE_ROWS else table
                rows = ops.take(whole, group.places(ids), axis=0)
                found.append(ops.cast(ops.reshape(rows, (-1, len(group.columns) * group.width)), self.compute_dtype))
        if "numbers" in x:
            found.append(ops.cast(x["numbers"], self.compute_dtype))
        return ops.concatenate(found, axis=-1) if len(found) > 1 else found[0]

    def compute_output_shape(self, input_shape):
        """Returns [batch, Σ widths + numbers]."""
        parts = _named(input_shape, bare=lambda shape: not isinstance(shape, Mapping))
        _check(parts, self.sizes, self.name)
        batch = next(iter(parts.values()))[0]
        return (batch, sum(self.widths) + (parts["numbers"][-1] if "numbers" in parts else 0))

    def get_config(self):
        """Returns the arguments in plain types."""
        return {
            "sizes": list(self.sizes),
            "width": list(self.widths),
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": keras.regularizers.serialize(self.embeddings_regularizer),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


class Columns:
    """The columns of one width: which they are, and where each begins in their table.

    Args:
        sizes: the number of ids of every column.
        widths: the width of every column.
        width: the width that is meant.
    """

    def __init__(self, sizes, widths, width):
        self.width, self.columns = width, [index for index, other in enumerate(widths) if other == width]
        self._every = len(self.columns) == len(sizes)
        self._sizes = np.array([sizes[index] for index in self.columns], "int32")
        self.rows = int(self._sizes.sum())
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype("int32")

    def places(self, ids):
        """Returns the places in the table of ids [..., all columns], int32 [..., columns of this width]."""
        if not self._every:
            ids = ops.take(ids, np.array(self.columns, "int32"), axis=-1)
        known = ops.logical_and(ids >= 0, ids < self._sizes)
        return ops.where(known, ids, 0) + self._starts


def check_ids(ids, sizes, name):
    """Raises `ValueError` if the dtype of ids cannot hold all of them."""
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if "float" in dtype and max(sizes) > _EXACT_IN_FLOAT.get(dtype, 0):
        raise ValueError(
            f"`inputs` of {name!r} must have whole numbers for categories of up to {max(sizes)} ids; received {dtype}. "
            'Give the model an input of dtype int32, such as {"categories": (columns, "int32")}.'
        )


def _named(parts, bare):
    """Returns inputs, or their shapes, as a dict."""
    return {"categories": parts} if bare(parts) else parts


def _widths(width, columns):
    if isinstance(width, int) and not isinstance(width, bool):
        return (checks.integer("width", width, low=1),) * columns
    widths = checks.widths("width", width)
    if len(widths) != columns:
        raise ValueError(f"`width` must be one number, or one for each of the {columns} columns of `sizes`; received {len(widths)}.")
    return widths


def _check(shapes, sizes, name):
    """Raises `ValueError` unless the shapes are of the columns that a layer is for."""
    for key in shapes:
        checks.one_of(f"inputs key of {name}", key, KEYS)
    columns = shapes["categories"][-1] if "categories" in shapes else 0
    if columns != len(sizes) or not shapes:
        raise ValueError(f"`inputs` of {name!r} must have the {len(sizes)} columns of `sizes` as categories; received {dict(shapes)}.")
