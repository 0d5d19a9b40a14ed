"""`Mixture`: weighted sums of the experts' features."""

import keras

from mtlzoo.layers._sums import mixed


@keras.saving.register_keras_serializable(package="mtlzoo")
class Mixture(keras.layers.Layer):
    """Weighted sums of experts' features, one a reader, as one product: y_r = Σ_e g_re · h_e.

    Args:
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a pair: gates [batch, readers, experts] and features [batch, experts, ...]; output [batch, readers, ...].

    Raises:
        ValueError: gates and features are not for the same number of experts.

    Source: Jacobs et al., "Adaptive mixtures of local experts", Neural Computation 3 (1991).

    >>> import numpy as np
    >>> gates, features = np.array([[[0.5, 0.5], [1.0, 0.0]]]), np.array([[[2.0], [4.0]]])
    >>> Mixture()([gates, features]).numpy().tolist()
    [[[3.0], [2.0]]]
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)

    def build(self, input_shape):
        """Checks the numbers of experts."""
        gates, features = input_shape
        if len(gates) != 3 or len(features) < 3 or gates[2] != features[1]:
            raise ValueError(
                "`inputs` must be gates [batch, readers, experts] and features [batch, experts, ...]; "
                f"received the shapes {tuple(gates)} and {tuple(features)}."
            )

    def call(self, inputs):
        """Returns [batch, readers, ...]."""
        return mixed(*inputs)

    def compute_output_shape(self, input_shape):
        """Returns [batch, readers, ...]."""
        gates, features = input_shape
        return (*gates[:2], *features[2:])
