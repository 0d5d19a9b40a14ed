"""`StackedConv1D` and `StackedConv2D`: N convolutions as one layer."""

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked

# Below so many filters a copy, one convolution for all copies was measured to be faster than one a copy, above slower.
_NARROW = 16


class _StackedConv(Stacked):
    def build_copies(self, input_shape):
        """Makes kernel and bias."""
        first = self._copies.first
        first.compute_output_shape(input_shape)  # Complains about kernels larger than the input.
        channels = input_shape[-1 if first.data_format == "channels_last" else 1]
        if channels % first.groups:
            raise ValueError(f"`groups` of {self.name!r} must divide the {channels} channels that it reads; received {first.groups}.")
        self.kernel = self.add_stacked_weight("kernel", (*first.kernel_size, channels // first.groups, first.filters))
        self.bias = self.add_stacked_weight("bias", (first.filters,)) if first.use_bias else None

    def call(self, x):
        """Returns [batch, N, ..., filters] for [batch, N or 1, ..., channels]."""
        first = self._copies.first
        if x.shape[1] == 1 and first.filters < _NARROW and first.groups == 1 and first.data_format == "channels_last":
            return self._as_one(ops.squeeze(x, 1))
        parts = ops.unstack(x, axis=1) if x.shape[1] > 1 else [ops.squeeze(x, 1)] * len(self.copies)
        kernels = ops.unstack(ops.convert_to_tensor(self.kernel))
        found = [self._convolved(part, kernel) for part, kernel in zip(parts, kernels, strict=True)]
        if self.bias is not None:
            shape = (first.filters,) if first.data_format == "channels_last" else (first.filters, *(1,) * first.rank)
            biases = ops.unstack(ops.convert_to_tensor(self.bias))
            found = [ops.add(part, ops.reshape(bias, shape)) for part, bias in zip(found, biases, strict=True)]
        return ops.stack([first.activation(part) for part in found], axis=1)

    def _as_one(self, x):
        count, *sides, channels, filters = self.kernel.shape
        y = self._convolved(x, ops.reshape(ops.moveaxis(self.kernel, 0, -2), (*sides, channels, count * filters)))
        if self.bias is not None:
            y = ops.add(y, ops.reshape(self.bias, (count * filters,)))
        y = ops.reshape(y, (-1, *ops.shape(y)[1:-1], count, filters))
        return self._copies.first.activation(ops.moveaxis(y, -2, 1))

    def _convolved(self, x, kernel):
        first, padding = self._copies.first, self._copies.first.padding
        if padding == "causal":
            before, padding = first.dilation_rate[0] * (first.kernel_size[0] - 1), "valid"
            x = ops.pad(x, [[0, 0], [before, 0], [0, 0]] if first.data_format == "channels_last" else [[0, 0], [0, 0], [before, 0]])
        return ops.conv(x, kernel, strides=first.strides, padding=padding, dilation_rate=first.dilation_rate, data_format=first.data_format)


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedConv1D(_StackedConv):
    """N convolutions of sequences as one layer.

    Args:
        layer: a `keras.layers.Conv1D` to copy, or a sequence of one a copy, alike but for names and seeds. Its initializers,
            regularizers and constraints act on every copy by itself; copies of one layer start different.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, steps, channels], or [batch, 1, steps, channels] that all copies read; output [batch, N, steps, filters].
    Weights: `kernel` [N, size, channels, filters] and `bias` [N, filters].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: as `StackedConv2D`.

    >>> experts = StackedConv1D(keras.layers.Conv1D(4, 3, padding="causal"), copies=2)
    >>> tuple(experts(ops.ones((5, 1, 8, 3))).shape)
    (5, 2, 8, 4)
    """

    of = keras.layers.Conv1D


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedConv2D(_StackedConv):
    """N convolutions of images as one layer.

    Args:
        layer: a `keras.layers.Conv2D` to copy, or a sequence of one a copy, alike but for names and seeds. Its initializers,
            regularizers and constraints act on every copy by itself; copies of one layer start different.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, height, width, channels], or [batch, 1, ...] that all copies read; output [batch, N, height, width, filters].
    Weights: `kernel` [N, height, width, channels, filters] and `bias` [N, filters].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the house's measurements, forward and backward, on a CPU: a convolution a copy is as fast as a grouped one or faster,
        but for narrow copies that all read the same image, which run as one convolution.

    >>> experts = StackedConv2D(keras.layers.Conv2D(8, 3, padding="same"), copies=("left", "right"))
    >>> tuple(experts(ops.ones((5, 1, 6, 6, 1))).shape), experts.copy_weights("right")[0].shape
    ((5, 2, 6, 6, 8), (3, 3, 1, 8))
    """

    of = keras.layers.Conv2D
