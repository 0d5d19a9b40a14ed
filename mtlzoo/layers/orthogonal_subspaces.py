"""`OrthogonalSubspaces`: stacked layers whose weights are pushed to be orthogonal between subspaces of their channels."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._penalised import Penalised
from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class OrthogonalSubspaces(Penalised):
    """Runs stacked layers, and adds strength·Σ_copies Σ_{i<j} ‖G_iᵀG_j‖²_F to the loss: subspaces of their channels do not say the same.

    G_i are the columns of a copy's kernel that make the channels of subspace i: the kernel is read as a matrix with one column a
    channel (places and channels that it reads are its rows), cut into equal runs of columns. It is the kernel of the last layer that
    has one for the channels that come out (its last axis is their number, or for gated recurrent layers a multiple of it, gate by gate:
    of these it is the recurrent kernel; embeddings count as kernels). Layers without such a kernel, or whose kernels are fixed, add no
    penalty.

    Args:
        layers: stacked layers of the same copies, in the order in which they are applied.
        subspaces: the number of subspaces, which must divide the number of channels that come out.
        strength: the factor of the penalty, at least 0; 0 adds no loss.
        name: the layer's name.
        trainable: as in Keras.

    Input as the first layer reads it, [batch, N or 1, ...]; output as the last one gives it. The weights are those of the layers.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Ruder et al., "Latent multi-task architecture learning", AAAI 2019.

    >>> from mtlzoo.layers import StackedDense
    >>> layer = OrthogonalSubspaces([StackedDense(keras.layers.Dense(4, kernel_initializer="ones"), 2)], strength=0.5)
    >>> _ = layer(ops.ones((5, 1, 3)))
    >>> [float(loss) for loss in layer.losses] == [0.5 * 2 * (2 * 2) * 3**2]
    True
    """

    def __init__(
        self,
        layers: Sequence[Stacked],
        *,
        subspaces: int = 2,
        strength: float = 0.01,
        name: str | None = None,
        trainable: bool = True,
    ):
        super().__init__(layers, strength=strength, name=name, trainable=trainable)
        self.subspaces = checks.integer("subspaces", subspaces, low=1)
        self.channels = None

    def build_penalty(self, output_shape):
        """Takes note of the channels."""
        self.channels = output_shape[-1]
        if self.channels % self.subspaces:
            raise ValueError(f"`subspaces` must divide the {self.channels} channels of {self.name!r}; received {self.subspaces}.")

    def kernel(self):
        """Returns the kernel of all copies whose columns make the channels, [N, ..., channels or a multiple], or None."""
        for name, weight in reversed(self.matched_weights()):
            if ("kernel" in name or name == "embeddings") and len(weight.shape) > 2 and weight.shape[-1] % self.channels == 0:
                return weight
        return None

    def penalty(self):
        """Returns Σ_copies Σ_{i<j} ‖G_iᵀG_j‖²_F."""
        kernel, total = self.kernel(), ops.zeros((), dtype="float32")
        if kernel is None:
            return total
        rows = math.prod(kernel.shape[1:]) // self.channels
        columns = ops.cast(ops.reshape(kernel, (kernel.shape[0], rows, self.channels)), "float32")
        width = self.channels // self.subspaces
        for end in range(width, self.channels, width):
            mine, others = columns[..., end - width : end], columns[..., end:]
            total += ops.sum(ops.square(ops.matmul(ops.transpose(mine, (0, 2, 1)), others)))
        return total

    def get_config(self):
        """Returns the layers and the rest in plain types."""
        return {**super().get_config(), "subspaces": self.subspaces}
