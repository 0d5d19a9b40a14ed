"""`StackedBatchNormalization`: N batch normalisations as one."""

import keras
import numpy as np
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._stacked import Stacked
from mtlzoo.layers.runs import OfRuns


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedBatchNormalization(OfRuns, Stacked):
    """N batch normalisations as one, with statistics a copy.

    Args:
        layer: a `keras.layers.BatchNormalization` to copy, or a sequence of one a copy, alike but for names.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        runs: on how many inputs the layer runs in turn, one after the other in each step, as where each task has an input of its own.
            Each run has statistics of its own; `call` takes the number of the `run`.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy. Where they are not, stored statistics are used.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, ..., channels], or [batch, 1, ..., channels] that all copies read; output [batch, N, ..., channels].
    Weights: `gamma`, `beta`, `moving_mean` and `moving_variance`, [N, channels] each (the latter two [N, runs, channels] if there are
    several). A mask of the input is honoured.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the layer has renorm=True.

    Source: Ioffe and Szegedy, "Batch normalization", ICML 2015.

    >>> norm = StackedBatchNormalization(keras.layers.BatchNormalization(), copies=2)
    >>> y = norm(ops.reshape(ops.arange(12.0), (3, 2, 2)), training=True)
    >>> bool(ops.all(ops.abs(ops.mean(y, axis=0)) < 1e-6)), norm.copy_weights(1)[2].shape
    (True, (2,))
    """

    of = keras.layers.BatchNormalization

    def __init__(self, layer, copies=None, *, slices=None, runs=1, name=None, trainable=None, dtype=None):
        super().__init__(layer, copies, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.runs = checks.integer("runs", runs, low=1)
        if getattr(self._copies.first, "renorm", False):
            raise ValueError("`layer` must have renorm=False; mtlzoo.layers.StackedLayers takes layers with renorm=True.")

    def build_copies(self, input_shape):
        """Makes scale, offset and statistics."""
        first = self._copies.first
        shape = (input_shape[first.axis],)
        self.gamma = self.add_stacked_weight("gamma", shape, autocast=False) if first.scale else None
        self.beta = self.add_stacked_weight("beta", shape, autocast=False) if first.center else None
        kept = shape if self.runs == 1 else (self.runs, *shape)
        self.moving_mean = self.add_stacked_weight("moving_mean", kept, trainable=False, autocast=False)
        self.moving_variance = self.add_stacked_weight("moving_variance", kept, trainable=False, autocast=False)

    def set_copy_weights(self, copy, weights):
        """Sets the weights of one copy; statistics [channels] are taken for every run.

        Args:
            copy: the copy's name or place.
            weights: as `copy_weights` returns them.
        """
        wanted = [tuple(variable.shape[1:]) for variable in self.weights]
        same = len(weights) == len(wanted)
        spread = [
            np.broadcast_to(value, shape) if np.ndim(value) < len(shape) else value for value, shape in zip(weights, wanted, strict=False)
        ]
        super().set_copy_weights(copy, spread if same else weights)

    def call(self, x, training=None, mask=None, run=0):
        """Returns [batch, N, ..., channels], normalised with the batch's statistics in training and stored ones else."""
        first = self._copies.first
        # Sums of squares in float16 would overflow.
        x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        axis = first.axis % (len(x.shape) - 1)
        axis += axis > 0
        kept = (1, axis)
        wide = [size if index in kept else 1 for index, size in enumerate((1, len(self.copies), *x.shape[2:]))]
        mean, variance = (ops.cast(self._of(part, run), x.dtype) for part in (self.moving_mean, self.moving_variance))
        if training and self.trainable:
            found = _moments(x, [index for index in range(len(x.shape)) if index not in kept], mask, first.synchronized)
            stored = mean, variance
            mean, variance = (ops.broadcast_to(part, stored[0].shape) for part in found)
            self._keep(self.moving_mean, stored[0] * first.momentum + mean * (1 - first.momentum), run)
            self._keep(self.moving_variance, stored[1] * first.momentum + variance * (1 - first.momentum), run)
        scale = ops.rsqrt(variance + first.epsilon)
        if self.gamma is not None:
            scale = scale * ops.cast(self.gamma, x.dtype)
        offset = -mean * scale
        if self.beta is not None:
            offset = offset + ops.cast(self.beta, x.dtype)
        return ops.cast(x * ops.reshape(scale, wide) + ops.reshape(offset, wide), self.compute_dtype)

    def get_config(self):
        """Returns the copies, the number of runs, and the rest in plain types."""
        return {**super().get_config(), "runs": self.runs}

    def _of(self, statistic, run):
        return statistic if self.runs == 1 else statistic[:, run]

    def _keep(self, statistic, value, run):
        if self.runs > 1:
            mine = ops.reshape(ops.arange(self.runs) == run, (1, self.runs, 1))
            value = ops.where(mine, ops.expand_dims(value, 1), ops.cast(statistic, value.dtype))
        statistic.assign(value)


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
