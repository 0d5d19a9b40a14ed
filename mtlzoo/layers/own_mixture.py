"""`OwnMixture`: weighted sums of a reader's own experts and of those that all readers share."""

import keras

from mtlzoo.layers._sums import mixed, own_sums


@keras.saving.register_keras_serializable(package="mtlzoo")
class OwnMixture(keras.layers.Layer):
    """Weighted sums of n experts of a reader's own and S that all readers share: y_r = Σ_i g_ri · o_ri + Σ_s g_rs · h_s.

    Args:
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a triple: gates [batch, readers, n + S], the own experts' features [batch, readers · n, ...], reader by reader, and the
    shared experts' features [batch, S, ...]; output [batch, readers, ...]. No product is spent on experts that a reader does not read.

    Raises:
        ValueError: gates and features are not for the same numbers of experts.

    Source: Tang et al., "Progressive layered extraction", RecSys 2020, equations 1 to 3.

    >>> import numpy as np
    >>> gates = np.array([[[0.5, 0.5], [1.0, 0.0]]])
    >>> own, shared = np.array([[[2.0], [4.0]]]), np.array([[[8.0]]])
    >>> OwnMixture()([gates, own, shared]).numpy().tolist()
    [[[5.0], [4.0]]]
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)

    def build(self, input_shape):
        """Checks the numbers of experts."""
        gates, own, shared = input_shape
        if len(gates) != 3 or len(own) < 3 or own[2:] != shared[2:] or gates[1] * (gates[2] - shared[1]) != own[1]:
            raise ValueError(
                "`inputs` must be gates [batch, readers, own + shared], features [batch, readers · own, ...] and features "
                f"[batch, shared, ...]; received the shapes {tuple(gates)}, {tuple(own)} and {tuple(shared)}."
            )

    def call(self, inputs):
        """Returns [batch, readers, ...]."""
        gates, own, shared = inputs
        count = own.shape[1] // gates.shape[1]
        return own_sums(gates[..., :count], own) + mixed(gates[..., count:], shared)

    def compute_output_shape(self, input_shape):
        """Returns [batch, readers, ...]."""
        gates, _, shared = input_shape
        return (*gates[:2], *shared[2:])
