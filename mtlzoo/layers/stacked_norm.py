"""`StackedBatchNormalization`: N batch normalisations as one."""

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedBatchNormalization(Stacked):
    """N batch normalisations as one, with statistics a copy.

    Args:
        layer: a `keras.layers.BatchNormalization` to copy, or a sequence of one a copy, alike but for names.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy. Where they are not, stored statistics are used.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, ..., channels], or [batch, 1, ..., channels] that all copies read; output [batch, N, ..., channels].
    Weights: `gamma`, `beta`, `moving_mean` and `moving_variance`, [N, channels] each. A mask of the input is honoured.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the layer has renorm=True.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.

    >>> norm = StackedBatchNormalization(keras.layers.BatchNormalization(), copies=2)
    >>> y = norm(ops.reshape(ops.arange(12.0), (3, 2, 2)), training=True)
    >>> bool(ops.all(ops.abs(ops.mean(y, axis=0)) < 1e-6)), norm.copy_weights(1)[2].shape
    (True, (2,))
    """

    of = keras.layers.BatchNormalization

    def __init__(self, layer, copies=None, *, slices=None, name=None, trainable=None, dtype=None):
        super().__init__(layer, copies, slices=slices, name=name, trainable=trainable, dtype=dtype)
        if getattr(self._copies.first, "renorm", False):
            raise ValueError("`layer` must have renorm=False; mtlzoo.layers.StackedLayers takes layers with renorm=True.")

    def build_copies(self, input_shape):
        """Makes scale, offset and statistics."""
        first = self._copies.first
        shape = (input_shape[first.axis],)
        self.gamma = self.add_stacked_weight("gamma", shape, autocast=False) if first.scale else None
        self.beta = self.add_stacked_weight("beta", shape, autocast=False) if first.center else None
        self.moving_mean = self.add_stacked_weight("moving_mean", shape, trainable=False, autocast=False)
        self.moving_variance = self.add_stacked_weight("moving_variance", shape, trainable=False, autocast=False)

    def call(self, x, training=None, mask=None):
        """Returns [batch, N, ..., channels], normalised with the batch's statistics in training and stored ones else."""
        first = self._copies.first
        # Sums of squares in float16 would overflow.
        x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        axis = first.axis % (len(x.shape) - 1)
        axis += axis > 0
        kept = (1, axis)
        wide = [size if index in kept else 1 for index, size in enumerate((1, len(self.copies), *x.shape[2:]))]
        mean, variance = ops.cast(self.moving_mean, x.dtype), ops.cast(self.moving_variance, x.dtype)
        if training and self.trainable:
            found = _moments(x, [index for index in range(len(x.shape)) if index not in kept], mask, first.synchronized)
            stored = mean, variance
            mean, variance = (ops.broadcast_to(part, stored[0].shape) for part in found)
            self.moving_mean.assign(stored[0] * first.momentum + mean * (1 - first.momentum))
            self.moving_variance.assign(stored[1] * first.momentum + variance * (1 - first.momentum))
        scale = ops.rsqrt(variance + first.epsilon)
        if self.gamma is not None:
            scale = scale * ops.cast(self.gamma, x.dtype)
        offset = -mean * scale
        if self.beta is not None:
            offset = offset + ops.cast(self.beta, x.dtype)
        return ops.cast(x * ops.reshape(scale, wide) + ops.reshape(offset, wide), self.compute_dtype)


def _moments(x, axes, mask, synchronized):
    """Mean and variance over axes, [N or 1, channels], of the entries that a mask [batch, N or 1, ...] leaves."""
    if mask is None:
        return ops.moments(x, axes=axes, synchronized=synchronized)
    weights = ops.expand_dims(ops.cast(mask, x.dtype), -1) * ops.ones_like(x)
    total = ops.sum(weights, axis=axes, keepdims=True)
    total = ops.maximum(total, keras.backend.epsilon())
    mean = ops.sum(weights * x, axis=axes, keepdims=True) / total
    variance = ops.sum(weights * ops.square(x - mean), axis=axes, keepdims=True) / total
    return ops.squeeze(mean, axes), ops.squeeze(variance, axes)
