"""`Unfold`: rows of the batch become copies again."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Unfold(keras.layers.Layer):
    """Turns what a layer made of a folded tensor, [batch · N, ...], back into [batch, N, ...]; the way back from `Fold`.

    Args:
        copies: N.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Raises:
        ValueError: `copies` is below 1.

    Source: the house's rule that copies run as one product.

    >>> tuple(Unfold(3)(ops.ones((15, 8))).shape)
    (5, 3, 8)
    """

    def __init__(self, copies, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.copies = checks.integer("copies", copies, low=1)
        self.supports_masking = True

    def call(self, x):
        """Returns [batch, N, ...]."""
        return ops.reshape(x, (-1, self.copies, *ops.shape(x)[1:]))

    def compute_mask(self, x, previous_mask):
        """Returns the mask with an axis of copies."""
        return None if previous_mask is None else Unfold(self.copies, dtype="bool")(previous_mask)

    def compute_output_shape(self, input_shape):
        """Returns [batch, N, ...]."""
        return (None if input_shape[0] is None else input_shape[0] // self.copies, self.copies, *input_shape[1:])

    def get_config(self):
        """Returns the number of copies and the rest in plain types."""
        return {**super().get_config(), "copies": self.copies}
