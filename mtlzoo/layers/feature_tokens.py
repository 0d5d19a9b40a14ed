"""`FeatureTokens`: numbers, places or steps as tokens of one width."""

import math

import keras
from keras import ops

from mtlzoo import checks, seeds


@keras.saving.register_keras_serializable(package="mtlzoo")
class FeatureTokens(keras.layers.Layer):
    """Makes tokens: of a vector one for each number, of a map or sequence one for each place.

    Number i of a vector becomes x_i·w_i + b_i, with w_i and b_i of its own. Channels x_p at place p become W·x_p + b_p, with one W and
    an offset b_p a place, which tells places apart; where the number of places is not known beforehand there is one offset for all.

    Args:
        width: numbers in a token.
        seed: the seed that initial weights follow from; None leaves them to Keras.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input [batch, numbers] or [batch, ..., channels]; output [batch, tokens, width]. Masks of sequences are handed on.
    Weights: `kernel` [numbers or channels, width] and `bias` [tokens or 1, width].

    Raises:
        ValueError, TypeError: an argument is not as said above, or the number of numbers or channels is not known.

    Source: for vectors the tokenizer of Gorishniy et al., "Revisiting deep learning models for tabular data", NeurIPS 2021; for places
        the patches of Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021.

    >>> tuple(FeatureTokens(8)(ops.ones((5, 3))).shape), tuple(FeatureTokens(8)(ops.ones((5, 4, 4, 2))).shape)
    ((5, 3, 8), (5, 16, 8))
    """

    def __init__(self, width: int, *, seed: int | None = None, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.width = checks.integer("width", width, low=1)
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Makes kernel and offsets."""
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"`inputs` of {self.name!r} must be [batch, numbers] or [batch, ..., channels], with a known last size; received the "
                f"shape {tuple(input_shape)}."
            )
        tokens = self._tokens(input_shape)
        # As in the tokenizer's paper for numbers, and as a dense layer for channels.
        bound = 1 / math.sqrt(self.width if len(input_shape) == 2 else input_shape[-1])
        self.kernel = self._drawn("kernel", (input_shape[-1], self.width), bound)
        self.bias = self._drawn("bias", (1 if tokens is None else tokens, self.width), 1 / math.sqrt(self.width))

    def call(self, x):
        """Returns tokens, [batch, tokens, width]."""
        if len(x.shape) == 2:
            return ops.add(ops.multiply(ops.expand_dims(x, -1), self.kernel), self.bias)
        return ops.add(ops.matmul(ops.reshape(x, (-1, math.prod(ops.shape(x)[1:-1]), x.shape[-1])), self.kernel), self.bias)

    def compute_mask(self, x, previous_mask):
        """Returns the mask of a sequence; places of maps are all there."""
        return previous_mask if len(x.shape) == 3 else None

    def compute_output_shape(self, input_shape):
        """Returns [batch, tokens, width]."""
        return (input_shape[0], self._tokens(input_shape), self.width)

    def get_config(self):
        """Returns width and seed and the rest in plain types."""
        return {**super().get_config(), "width": self.width, "seed": self.seed}

    def _tokens(self, shape):
        """The number of tokens, or None if it is not known."""
        sizes = shape[1:2] if len(shape) == 2 else shape[1:-1]
        return None if None in sizes else math.prod(sizes)

    def _drawn(self, role, shape, bound):
        own = None if self.seed is None else seeds.derive(self.seed, "tokens", role)
        return self.add_weight(name=role, shape=shape, initializer=keras.initializers.RandomUniform(-bound, bound, seed=own))
