"""`CopiesToBatch`: the copies' features as rows of one larger batch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mtlzoo")
class CopiesToBatch(keras.layers.Layer):
    """Turns [batch, N, ...] into [batch · N, ...], so that a layer whose weights all N copies share runs once.

    Args:
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    The entries of a row stand behind each other; `BatchToCopies` turns them back. Masks go with their tensors.

    Source: the house's rule that axis 1 holds the copies.

    >>> tuple(CopiesToBatch()(ops.ones((5, 3, 8))).shape)
    (15, 8)
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.supports_masking = True

    def call(self, x):
        """Returns [batch · N, ...]."""
        return _rows(x)

    def compute_mask(self, x, previous_mask):
        """Returns the mask in the same order, or None; one entry of it stands for all copies."""
        if previous_mask is None:
            return None
        return _rows(ops.repeat(previous_mask, x.shape[1] // previous_mask.shape[1], axis=1))

    def compute_output_shape(self, input_shape):
        """Returns [batch · N, ...]."""
        batch, count, *rest = input_shape
        return (None if batch is None else batch * count, *rest)


def _rows(values):
    return ops.reshape(values, (-1, *ops.shape(values)[2:]))
