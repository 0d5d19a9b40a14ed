"""`Rotation`: features in another orthonormal basis, which the task losses do not train."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Rotation(keras.layers.Layer):
    """Turns features: y = R·x along the last axis, with R a square matrix that starts as the identity and is kept orthogonal.

    R is a weight that the optimizer of the model does not train: `RotoGrad` turns it while the model is trained. It is saved and
    exported with the model, and used at inference as it is.

    Args:
        size: how many features are turned, from the first on, where there are more; the others pass as they are. None turns all.
        name: the layer's name.
        dtype: the layer's dtype or dtype policy.

    Returns:
        Called on [..., features]: a tensor of the same shape.

    Raises:
        ValueError: `size` is below 1, or the number of features is not known.

    Source: Javaloy and Valera, "RotoGrad: Gradient Homogenization in Multitask Learning", ICLR 2022, section 4.2.

    >>> layer = Rotation()
    >>> x = layer(ops.ones((1, 2)))
    >>> _ = layer.matrix.assign([[0.0, -1.0], [1.0, 0.0]])
    >>> [float(value) for value in layer(ops.convert_to_tensor([[3.0, 4.0]]))[0]]
    [-4.0, 3.0]
    """

    def __init__(self, size=None, *, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.size = size if size is None else checks.integer("size", size, low=1)

    def build(self, input_shape):
        """Makes R."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"`input_shape` of {self.name!r} must end in a known number of features; received {tuple(input_shape)}.")
        turned = features if self.size is None else min(self.size, features)
        self.matrix = self.add_weight(shape=(turned, turned), initializer="identity", trainable=False, aggregation="mean", name="matrix")

    def call(self, inputs):
        """Returns the features, turned."""
        turned = self.matrix.shape[0]
        basis = ops.transpose(self.matrix)
        if turned == inputs.shape[-1]:
            return ops.matmul(inputs, basis)
        return ops.concatenate([ops.matmul(inputs[..., :turned], basis), inputs[..., turned:]], axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return tuple(input_shape)

    def get_config(self):
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.pop("trainable")
        return {**config, "size": self.size}
