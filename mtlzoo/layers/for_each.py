"""`ForEach`: every entry of axis 1 several times, for several experts that read it."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class ForEach(keras.layers.Layer):
    """Turns a tensor [batch, N, ...] into [batch, N · times, ...], every entry `times` times in a row.

    Args:
        times: how often each entry stands, at least 1.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    A mask goes with its tensor.

    Raises:
        ValueError, TypeError: `times` is no whole number of at least 1.

    Source: `keras.ops.repeat`, as a layer that can be saved and named.

    >>> ForEach(2)(ops.array([[[1.0], [5.0]]])).numpy().ravel().tolist()
    [1.0, 1.0, 5.0, 5.0]
    """

    def __init__(self, times, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.times = checks.integer("times", times, low=1)
        self.supports_masking = True

    def call(self, x):
        """Returns [batch, N · times, ...]."""
        return ops.repeat(x, self.times, axis=1)

    def compute_mask(self, x, previous_mask):
        """Returns the mask with as many entries."""
        return None if previous_mask is None else ops.repeat(previous_mask, self.times, axis=1)

    def compute_output_shape(self, input_shape):
        """Returns [batch, N · times, ...]."""
        return (input_shape[0], input_shape[1] * self.times, *input_shape[2:])

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "times": self.times}
