"""`BatchToCopies`: what `CopiesToBatch` made rows of, as copies again."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class BatchToCopies(keras.layers.Layer):
    """Turns [batch · N, ...] into [batch, N, ...], the other way round than `CopiesToBatch`.

    Args:
        copies: N, the number of entries that each row of the batch had.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Masks go with their tensors.

    Raises:
        ValueError, TypeError: `copies` is no whole number of at least 1.

    Source: the house's rule that axis 1 holds the copies.

    >>> tuple(BatchToCopies(3)(ops.ones((15, 8))).shape)
    (5, 3, 8)
    """

    def __init__(self, copies, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.copies = checks.integer("copies", copies, low=1)
        self.supports_masking = True

    def call(self, x):
        """Returns [batch, N, ...]."""
        return self._apart(x)

    def compute_mask(self, x, previous_mask):
        """Returns the mask in the same order, or None."""
        return None if previous_mask is None else self._apart(previous_mask)

    def compute_output_shape(self, input_shape):
        """Returns [batch, N, ...]."""
        batch, *rest = input_shape
        return (None if batch is None else batch // self.copies, self.copies, *rest)

    def get_config(self):
        """Returns the number of copies and the rest in plain types."""
        return {**super().get_config(), "copies": self.copies}

    def _apart(self, values):
        return ops.reshape(values, (-1, self.copies, *ops.shape(values)[1:]))
