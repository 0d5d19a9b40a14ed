"""`Unstack`: the copies' features, one tensor each."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Unstack(keras.layers.Layer):
    """Takes a tensor [batch, N, ...] apart into N tensors [batch, ...].

    Args:
        copies: the number of tensors; with an input [batch, 1, ...] that all copies read they are N times the same.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: `copies` is below 1, or the input has another number of entries.

    Source: `keras.ops.unstack`, as a layer that can be saved and named.

    >>> [tuple(part.shape) for part in Unstack(2)(ops.ones((5, 2, 8)))]
    [(5, 8), (5, 8)]
    """

    def __init__(self, copies, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.copies = checks.integer("copies", copies, low=1)
        self.supports_masking = True

    def build(self, input_shape):
        """Checks the number of entries."""
        if len(input_shape) < 3 or input_shape[1] not in (1, self.copies):
            raise ValueError(
                f"`inputs` of {self.name!r} must be [batch, {self.copies} or 1, ...]; received the shape {tuple(input_shape)}."
            )

    def call(self, x):
        """Returns a list of N tensors [batch, ...]."""
        return self._apart(x)

    def compute_mask(self, x, previous_mask):
        """Returns a list of N masks, or of None."""
        return [None] * self.copies if previous_mask is None else self._apart(previous_mask)

    def compute_output_shape(self, input_shape):
        """Returns N shapes [batch, ...]."""
        return [(input_shape[0], *input_shape[2:])] * self.copies

    def get_config(self):
        """Returns the number of tensors and the rest in plain types."""
        return {**super().get_config(), "copies": self.copies}

    def _apart(self, values):
        return [ops.squeeze(values, 1)] * self.copies if values.shape[1] == 1 else ops.unstack(values, axis=1)
