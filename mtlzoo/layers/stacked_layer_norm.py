"""`StackedLayerNormalization`: N layer normalisations as one."""

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedLayerNormalization(Stacked):
    """N layer normalisations over the last axis as one, with scale and offset a copy.

    Args:
        layer: a `keras.layers.LayerNormalization` over the last axis to copy, or a sequence of one a copy, alike but for names.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, ..., channels], or [batch, 1, ..., channels] that all copies read; output [batch, N, ..., channels].
    Weights: `gamma` and `beta`, [N, channels] each.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the layer normalises over other axes.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    >>> norm = StackedLayerNormalization(keras.layers.LayerNormalization(), copies=2)
    >>> y = norm(ops.reshape(ops.arange(12.0), (3, 1, 4)))
    >>> tuple(y.shape), bool(ops.all(ops.abs(ops.mean(y, axis=-1)) < 1e-6)), norm.copy_weights(1)[0].shape
    ((3, 2, 4), True, (4,))
    """

    of = keras.layers.LayerNormalization

    def __init__(self, layer, copies=None, *, slices=None, name=None, trainable=None, dtype=None):
        super().__init__(layer, copies, slices=slices, name=name, trainable=trainable, dtype=dtype)
        if not of_last_axis(self._copies.first):
            raise ValueError("`layer` must have axis=-1 and no rms_scaling; mtlzoo.layers.StackedLayers takes other layers.")

    def build_copies(self, input_shape):
        """Makes scale and offset."""
        first, shape = self._copies.first, (input_shape[-1],)
        self.gamma = self.add_stacked_weight("gamma", shape, autocast=False) if first.scale else None
        self.beta = self.add_stacked_weight("beta", shape, autocast=False) if first.center else None

    def call(self, x):
        """Returns [batch, N, ..., channels], normalised over the last axis, whatever else is in the batch."""
        # Sums of squares in float16 would overflow.
        x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        mean, variance = ops.moments(x, axes=-1, keepdims=True)
        wide = (1, len(self.copies), *(1 for _ in x.shape[2:-1]), x.shape[-1])
        gamma = ops.ones(wide, x.dtype) if self.gamma is None else ops.reshape(ops.cast(self.gamma, x.dtype), wide)
        x = (x - mean) * ops.rsqrt(variance + self._copies.first.epsilon) * gamma
        if self.beta is not None:
            x = x + ops.reshape(ops.cast(self.beta, x.dtype), wide)
        return ops.cast(x, self.compute_dtype)


def of_last_axis(layer) -> bool:
    """Whether a layer normalisation is one that `StackedLayerNormalization` takes: over the last axis alone, of all moments."""
    return layer.axis in (-1, [-1]) and not getattr(layer, "rms_scaling", False)
