"""`Adapter`: a small correction of frozen features."""

import keras
from keras import ops

from mtlzoo import checks, seeds


@keras.saving.register_keras_serializable(package="mtlzoo")
class Adapter(keras.layers.Layer):
    """Corrects features by a small network with a bottleneck: y = x + W₂·relu(W₁·x + b₁) + b₂, along the last axis.

    On images it is a pair of 1×1 convolutions. W₂ and b₂ start at zero, so that at first nothing is changed.

    Args:
        size: width of the bottleneck.
        start: a Keras initializer for W₂.
        seed: the seed that W₁ starts from; None leaves it to Keras.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input and output [batch, ..., channels], with 2·size·channels + size + channels weights.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the bottleneck of Houlsby et al. (ICML 2019); residual adapters on images are those of Rebuffi et al. (NeurIPS 2017).

    >>> adapter = Adapter(4)
    >>> y = adapter(ops.ones((2, 6, 6, 16)))
    >>> tuple(y.shape), float(ops.max(ops.abs(y - 1))), adapter.count_params() == 2 * 4 * 16 + 4 + 16
    ((2, 6, 6, 16), 0.0, True)
    """

    def __init__(self, size: int, *, start="zeros", seed: int | None = None, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.size = checks.integer("size", size, low=1)
        self.start = keras.initializers.get(start)
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the weights."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"`inputs` of {self.name!r} must have a known last axis; received the shape {tuple(input_shape)}.")
        down = keras.initializers.GlorotUniform(None if self.seed is None else seeds.derive(self.seed, self.name))
        self.down = self.add_weight(name="down", shape=(channels, self.size), initializer=down)
        self.down_bias = self.add_weight(name="down_bias", shape=(self.size,), initializer="zeros")
        self.up = self.add_weight(name="up", shape=(self.size, channels), initializer=self.start)
        self.up_bias = self.add_weight(name="up_bias", shape=(channels,), initializer="zeros")

    def call(self, x):
        """Returns the features, corrected."""
        return x + ops.matmul(ops.relu(ops.matmul(x, self.down) + self.down_bias), self.up) + self.up_bias

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return tuple(input_shape)

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "size": self.size, "start": keras.initializers.serialize(self.start), "seed": self.seed}
