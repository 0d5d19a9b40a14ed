"""`OwnGradientMixture`: weighted sums of all experts, whose gradients reach a reader's own experts and the shared ones alone."""

import keras
from keras import ops

from mtlzoo.layers._sums import mixed, own_sums


@keras.saving.register_keras_serializable(package="mtlzoo")
class OwnGradientMixture(keras.layers.Layer):
    """Weighted sums of the experts of all readers and of shared ones, of which gradients pass only to own and shared experts.

    Forward it is y_r = Σ_e g_re · h_e over all experts e. Backward what a reader sees of the other readers' experts is a constant.

    Args:
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a triple: gates [batch, readers, readers · n + S], the readers' experts [batch, readers · n, ...], reader by reader, and
    the shared experts [batch, S, ...]; output [batch, readers, ...].

    Raises:
        ValueError: gates and features are not for the same numbers of experts.

    Source: Su et al., "STEM: unleashing the power of embeddings for multi-task recommendation", AAAI 2024: all forward,
        task-specific backward.

    >>> gates = ops.array([[[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]])
    >>> own, shared = ops.array([[[2.0], [4.0]]]), ops.array([[[8.0]]])
    >>> OwnGradientMixture()([gates, own, shared]).numpy().tolist()
    [[[4.0], [4.0]]]
    """

    def __init__(self, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)

    def build(self, input_shape):
        """Checks the numbers of experts."""
        gates, own, shared = input_shape
        alike = len(gates) == 3 and len(own) >= 3 and own[2:] == shared[2:]
        if not alike or gates[2] != own[1] + shared[1] or own[1] % gates[1]:
            raise ValueError(
                "`inputs` must be gates [batch, readers, readers · own + shared], features [batch, readers · own, ...] and features "
                f"[batch, shared, ...]; received the shapes {tuple(gates)}, {tuple(own)} and {tuple(shared)}."
            )

    def call(self, inputs):
        """Returns [batch, readers, ...]."""
        gates, own, shared = inputs
        readers, entries = gates.shape[1], own.shape[1]
        mine = ops.expand_dims(ops.eye(readers, dtype=gates.dtype), -1)
        apart = ops.reshape(gates[..., :entries], (-1, readers, readers, entries // readers))
        others = mixed(ops.reshape(apart * (1 - mine), (-1, readers, entries)), ops.stop_gradient(own))
        return own_sums(ops.sum(apart * mine, axis=2), own) + others + mixed(gates[..., entries:], shared)

    def compute_output_shape(self, input_shape):
        """Returns [batch, readers, ...]."""
        gates, _, shared = input_shape
        return (*gates[:2], *shared[2:])
