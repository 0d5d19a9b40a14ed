"""`StackedDense`: N dense layers as one batched product."""

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedDense(Stacked):
    """N dense layers as one: a batched product, or a plain one where all copies read the same.

    Args:
        layer: a `keras.layers.Dense` to copy, or a sequence of one a copy, alike but for names and seeds. Its initializers,
            regularizers and constraints act on every copy by itself; copies of one layer start different.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, ..., features], or [batch, 1, ..., features] that all copies read; output [batch, N, ..., units].
    Weights: `kernel` [N, features, units] and `bias` [N, units].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the batched product is the usual way to run experts and heads of one shape (such as Shazeer et al. 2017).

    >>> experts = StackedDense(keras.layers.Dense(3, activation="relu"), copies=4)
    >>> tuple(experts(ops.ones((2, 1, 5))).shape), [weight.shape for weight in experts.copy_weights("copy0")]
    ((2, 4, 3), [(5, 3), (3,)])
    """

    of = keras.layers.Dense

    def build_copies(self, input_shape):
        """Makes kernel and bias."""
        self.kernel = self.add_stacked_weight("kernel", (input_shape[-1], self._copies.first.units))
        self.bias = self.add_stacked_weight("bias", (self._copies.first.units,)) if self._copies.first.use_bias else None

    def call(self, x):
        """Returns [batch, N, ..., units] for [batch, N or 1, ..., features]."""
        if len(x.shape) == 3 and x.shape[1] == 1:
            return self._read_by_all(x)
        return self._batched(x)

    def _read_by_all(self, x):
        count, width, units = self.kernel.shape
        y = ops.matmul(ops.reshape(x, (-1, width)), ops.reshape(ops.transpose(self.kernel, (1, 0, 2)), (width, count * units)))
        if self.bias is not None:
            y = ops.add(y, ops.reshape(self.bias, (count * units,)))
        return self._copies.first.activation(ops.reshape(y, (-1, count, units)))

    def _batched(self, x):
        count, width, units = self.kernel.shape
        middle = tuple(ops.shape(x)[2:-1])
        swapped = (1, 0, *range(2, len(x.shape)))
        y = ops.matmul(ops.reshape(ops.transpose(x, swapped), (x.shape[1], -1, width)), self.kernel)
        if self.bias is not None:
            y = ops.add(y, ops.expand_dims(self.bias, 1))
        # The activation comes before the axes are swapped back, so that TensorFlow can cancel the swaps of two layers in a row.
        return ops.transpose(self._copies.first.activation(ops.reshape(y, (count, -1, *middle, units))), swapped)
