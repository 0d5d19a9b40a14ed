"""`Calibrator`: a penalty on a later step that is called more likely than the one before."""

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Calibrator(keras.layers.Layer):
    """Hands logits on as they are, and adds the loss penalty · mean(max(σ(own) − σ(before), 0)) over the rows.

    Called on several pairs of steps, it adds a loss for each.

    Args:
        penalty: coefficient of the loss, above 0.
        name: the layer's name; the loss is logged as `<name>_loss`.
        trainable: as in Keras.
        dtype: as in Keras.

    Input a pair of logits [batch, ...], those of a step and those of the step before it; output the first of them.

    Raises:
        ValueError, TypeError: the penalty is not above 0, or the inputs are no pair of one shape.

    Source: the behavioral expectation calibrator of Xi et al. (AITM), KDD 2021, section 3.3.

    >>> layer = Calibrator(2.0)
    >>> _ = layer([ops.array([[0.0], [0.0]]), ops.array([[100.0], [-100.0]])])
    >>> [float(loss) for loss in layer.losses]
    [0.5]
    """

    reports_loss = True
    passes_first = True

    def __init__(self, penalty: float = 0.6, *, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.penalty = checks.number("penalty", penalty, low=0, strict=True)

    def build(self, input_shape):
        """Checks that there is a pair."""
        if not isinstance(input_shape, list) or len(input_shape) != 2 or tuple(input_shape[0]) != tuple(input_shape[1]):
            raise ValueError(f"`inputs` of {self.name!r} must be a pair of logits of one shape; received the shapes {input_shape}.")

    def call(self, logits):
        """Returns the first of the pair."""
        own, before = (ops.sigmoid(ops.cast(part, "float32")) for part in logits)
        self.add_loss(self.penalty * ops.mean(ops.relu(own - before)))
        return logits[0]

    def compute_output_shape(self, input_shape):
        """Returns the shape of the first."""
        return tuple(input_shape[0])

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "penalty": self.penalty}
