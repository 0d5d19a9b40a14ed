"""`Joint`: the probability that several events all happen, computed from logits without loss of digits."""

import functools

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Joint(keras.layers.Layer):
    """Product of probabilities that are given as logits, p = Π_k σ(z_k), by way of its own logit.

    The logit of a product is −log(Π_k (1 + e^(−z_k)) − 1), and Π_k (1 + u_k) − 1 = Σ_k u_k·Π_(j<k) (1 + u_j) is a sum of positive
    terms, whose logarithms are sums of softplus. Nothing underflows or cancels, one factor comes out as it is, and Keras
    computes a cross-entropy from the logit, so that its gradient lives on where the probability is 0 or 1 in float32. A product
    is at most that of its first factors, to the last digit.

    Args:
        activation: "sigmoid" for the probability, "linear" for its logit.
        name: the layer's name.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a list of logits [batch, ...] of one shape; output [batch, ...].

    Raises:
        ValueError: there is no factor, factors differ in shape, or the activation is another one.

    Source: the product of conditional probabilities of Ma et al. (ESMM), SIGIR 2018; the way to compute it is the house's.

    >>> z = ops.array([[0.0]])
    >>> float(Joint()([z, z])[0, 0]), float(Joint("linear")([z - 300.0, z - 200.0])[0, 0])
    (0.25, -500.0)
    """

    def __init__(self, activation: str = "sigmoid", *, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.activation = checks.one_of("activation", activation, ["sigmoid", "linear"])

    def build(self, input_shape):
        """Checks that the factors fit."""
        if not isinstance(input_shape, list) or not input_shape or len({tuple(shape) for shape in input_shape}) > 1:
            raise ValueError(f"`inputs` of {self.name!r} must be a list of logits of one shape; received the shapes {input_shape}.")

    def call(self, logits):
        """Returns the probability or logit of all events together, [batch, ...]."""
        odds = -ops.stack(logits, axis=1)
        before = ops.cumsum(ops.concatenate([ops.zeros_like(odds[:, :1]), ops.softplus(odds[:, :-1])], axis=1), axis=1)
        joint = -ops.logsumexp(odds + before, axis=1)
        if self.activation == "linear":
            return joint
        # From left to right each product is at most the one before, to the last digit; σ(joint) may be a rounding above it.
        probability = functools.reduce(ops.multiply, [ops.sigmoid(one) for one in logits])
        probability._keras_logits = joint
        return probability

    def compute_output_shape(self, input_shape):
        """Returns the shape of one factor."""
        return tuple(input_shape[0])

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "activation": self.activation}
