"""`TraceNorm`: stacked layers whose kernels are drawn to low rank over their copies."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._nuclear import nuclear_norm
from mtlzoo.layers._stacked import Stacked
from mtlzoo.layers._tied import Tied

_FLATTENINGS = ["last", "tt", "tucker"]


@keras.saving.register_keras_serializable(package="mtlzoo")
class TraceNorm(Tied):
    """Runs stacked layers, and adds strength·Σ ‖W‖_* to the loss: the trace norm of each kernel stacked over the copies.

    A small trace norm makes the copies' kernels combinations of few common ones, which need not be equal. W is the kernel of a layer,
    of all copies, as a tensor; its trace norm is the nuclear norm (the sum of the singular values) of one matrix or of several:

    - "last" (last axis flattening): the matrix with a row a copy.
    - "tucker": for each axis, the copies' included, the matrix with a row for each of its places.
    - "tt" (tensor train): with the copies as the last axis, for each place between two axes the matrix whose rows are what stands
      in front of it.

    Kernels are the trained weights with at least two axes a copy; others, such as biases, are left alone. The gradient of a nuclear
    norm is finite for every matrix, see Source. Each step takes the eigenvalues of one matrix for "last", whose side is the number of
    copies; for the others of several, whose sides are sizes of the kernel, up to those of wide layers: they cost more.

    Args:
        layers: stacked layers of the same copies, in the order in which they are applied.
        flattening: "last", "tucker" or "tt".
        strength: the factor of the penalty, at least 0; 0 adds no loss.
        alternate: whether training alternates: the layers are moved by what is behind them alone at one call with training=True,
            and by the penalty alone at the next. Values stay the same, only gradients are held back.
        name: the layer's name.
        trainable: as in Keras.

    Input as the first layer reads it, [batch, N or 1, ...]; output as the last one gives it. The weights are those of the layers, and
    with `alternate` a number `turn`, which says whose turn the next call is.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Yang and Hospedales, "Trace norm regularised deep multi-task learning", ICLR workshop 2017; the gradient U·Vᵀ over
        singular values above zero is the subgradient of least norm (Watson 1992).

    >>> from mtlzoo.layers import StackedDense
    >>> layer = TraceNorm([StackedDense(keras.layers.Dense(2, kernel_initializer="ones"), copies=4)], strength=0.5)
    >>> _ = layer(ops.ones((5, 1, 3)))
    >>> [round(float(loss), 4) for loss in layer.losses] == [round(0.5 * (4 * 3 * 2) ** 0.5, 4)]
    True
    """

    def __init__(
        self,
        layers: Sequence[Stacked],
        *,
        flattening: str = "last",
        strength: float = 0.01,
        alternate: bool = False,
        name: str | None = None,
        trainable: bool = True,
    ):
        super().__init__(layers, strength=strength, alternate=alternate, name=name, trainable=trainable)
        self.flattening = checks.one_of("flattening", flattening, _FLATTENINGS)

    def kernels(self):
        """Returns the trained weights with at least two axes a copy, a list of tensors [N, ...]."""
        return [weight for _, weight in self.matched_weights() if len(weight.shape) > 2]

    def penalty(self):
        """Returns the sum of the kernels' trace norms."""
        norms = [nuclear_norm(matrix) for kernel in self.kernels() for matrix in _matrices(kernel, self.flattening)]
        return sum(norms, ops.zeros((), dtype="float32"))

    def get_config(self):
        """Returns the layers and the rest in plain types."""
        return {**super().get_config(), "flattening": self.flattening}


def _matrices(tensor, flattening):
    """The matrices whose nuclear norms sum up to the trace norm of a tensor [N, ...]."""
    if flattening == "last":
        return [ops.reshape(tensor, (tensor.shape[0], -1))]
    if flattening == "tucker":
        return [ops.reshape(ops.moveaxis(tensor, axis, 0), (size, -1)) for axis, size in enumerate(tensor.shape)]
    tensor = ops.moveaxis(tensor, 0, -1)
    return [ops.reshape(tensor, (math.prod(tensor.shape[:cut]), -1)) for cut in range(1, len(tensor.shape))]
