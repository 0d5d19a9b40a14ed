"""`Fold`: copies become rows of the batch."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Fold(keras.layers.Layer):
    """Turns a tensor [batch, N, ...] into [batch · N, ...], so that any layer runs once for all copies, with one set of weights.

    Args:
        copies: N; a mask [batch, 1, ...] that all copies share is repeated as often.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: the input has another number of copies.

    Source: the house's rule that copies run as one product.

    >>> tuple(Fold(3)(ops.ones((5, 3, 8))).shape)
    (15, 8)
    """

    def __init__(self, copies, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.copies = checks.integer("copies", copies, low=1)
        self.supports_masking = True

    def build(self, input_shape):
        """Checks the number of copies."""
        if len(input_shape) < 3 or input_shape[1] != self.copies:
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, {self.copies}, ...]; received the shape {tuple(input_shape)}.")

    def call(self, x):
        """Returns [batch · N, ...]."""
        return ops.reshape(x, (-1, *ops.shape(x)[2:]))

    def compute_mask(self, x, previous_mask):
        """Returns the mask with its copies as rows."""
        if previous_mask is None:
            return None
        mask = ops.repeat(previous_mask, self.copies, axis=1) if previous_mask.shape[1] < self.copies else previous_mask
        return Fold(self.copies, dtype="bool")(mask)  # A layer, since an operation could not be told sizes that are open.

    def compute_output_shape(self, input_shape):
        """Returns [batch · N, ...]."""
        return (None if input_shape[0] is None else input_shape[0] * self.copies, *input_shape[2:])

    def get_config(self):
        """Returns the number of copies and the rest in plain types."""
        return {**super().get_config(), "copies": self.copies}
