"""`ForAll`: one tensor that all copies of a stacked layer read."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mtlzoo")
class ForAll(keras.layers.Layer):
    """Turns a tensor [batch, ...] into [batch, 1, ...], which all copies of a stacked layer read.

    Args:
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    A dict of tensors gives a dict; masks go with their tensors.

    Source: the house's rule that axis 1 holds the copies, or one entry that all of them read.

    >>> tuple(ForAll()(ops.ones((5, 8))).shape)
    (5, 1, 8)
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.supports_masking = True

    def call(self, x):
        """Returns [batch, 1, ...]."""
        return keras.tree.map_structure(lambda part: ops.expand_dims(part, 1), x)

    def compute_mask(self, x, previous_mask):
        """Returns the mask with the axis that its tensor gets."""
        return keras.tree.map_structure(lambda part: None if part is None else ops.expand_dims(part, 1), previous_mask)

    def compute_output_shape(self, input_shape):
        """Returns [batch, 1, ...]."""
        return keras.tree.map_shape_structure(lambda shape: (shape[0], 1, *shape[1:]), input_shape)
