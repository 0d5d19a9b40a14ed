"""`Folded`: a layer without weights, run once for all copies."""

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class Folded(Stacked):
    """A layer without weights for N copies: the copies go into the batch, and the layer runs once.

    Args:
        layer: a layer without weights that treats the rows of a batch alike, such as pooling, flattening or dropout; or a
            sequence of one a copy, of which the first runs.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: as in the other stacked layers; it has no weights to be told of.
        name: the layer's name.
        trainable: as in Keras; None as the layer given.
        dtype: as in Keras; None as the layer given.

    Input [batch, N, ...] or [batch, 1, ...]; output the same with what the layer gives in the place of the dots. What all
    copies read stays one entry that all of them read, unless the layer is random: then each copy draws its own.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the layer has weights.

    Source: the house.

    >>> pool = Folded(keras.layers.MaxPooling2D(2), copies=3)
    >>> tuple(pool(ops.ones((5, 3, 4, 4, 2))).shape), tuple(pool(ops.ones((5, 1, 4, 4, 2))).shape)
    ((5, 3, 2, 2, 2), (5, 1, 2, 2, 2))
    """

    def __init__(self, layer, copies=None, *, slices=None, name=None, trainable=None, dtype=None):
        super().__init__(layer, copies, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.activity_regularizer = None  # The layer adds its own.
        self.layer = self._copies.first
        self.random = bool(self.layer.variables)

    def build_copies(self, input_shape):
        """Builds the layer."""
        if not self.layer.built:
            self.layer.build(input_shape)
        if self.layer.weights:
            raise ValueError(f"`layer` must have no weights, which all copies would share; {self.layer.name!r} has some.")

    def copy_weights(self, copy):
        """Returns an empty list."""
        return []

    def set_copy_weights(self, copy, weights):
        """Has nothing to set."""

    def call(self, x, mask=None):
        """Returns [batch, N or 1, ...]."""
        count = self._entries(x.shape)
        if count > x.shape[1]:
            x = ops.repeat(x, count, axis=1)
        folded = ops.reshape(x, (-1, *ops.shape(x)[2:]))
        if mask is None:
            y = self.layer(folded)
        else:
            mask = ops.repeat(mask, count // mask.shape[1], axis=1)
            y = self.layer(folded, mask=ops.reshape(mask, (-1, *ops.shape(mask)[2:])))
        return ops.reshape(y, (-1, count, *ops.shape(y)[1:]))

    def compute_mask(self, x, previous_mask):
        """Returns the mask if the layer keeps the axes that it is about."""
        return self.layer.compute_mask(x, previous_mask)

    def compute_output_shape(self, input_shape):
        """Returns [batch, N or 1, ...]."""
        batch, _, *rest = super().compute_output_shape(input_shape)
        return (batch, self._entries(input_shape), *rest)

    def _entries(self, shape):
        return len(self.copies) if self.random else shape[1]
