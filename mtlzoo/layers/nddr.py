"""`NDDR`: every task reads all tasks' channels through a 1×1 convolution of its own."""

import keras
import numpy as np
from keras import ops

from mtlzoo.layers._mixing import Mixing


@keras.saving.register_keras_serializable(package="mtlzoo")
class NDDR(Mixing):
    """Neural discriminative dimensionality reduction: x_i ← Σ_j x_j·W_ij, the channels of all tasks brought back to those of one.

    That is a 1×1 convolution a task, without bias, of the tasks' channels side by side, or a dense layer where there are no places; the
    convolutions of all tasks run as one product.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        own: W_ii at the start, as a multiple of the identity; the rest of 1 is shared out among the others.
        slices: "tasks" if what a task reads serves that task alone, as behind the last stage of a network: balancers then leave
            its kernel to that task's own gradient.
        name: the layer's name.
        trainable: whether the kernels are trained.
        dtype: as in Keras.

    Input and output [batch, tasks, ..., channels]. Weights: `kernel` [tasks that read, tasks that are read, channels, channels].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Gao et al., "NDDR-CNN: Layerwise feature fusing in multi-task CNNs by neural discriminative dimensionality reduction",
        CVPR 2019. The batch normalisation that follows there is a layer of its own here, `StackedBatchNormalization`.

    >>> fuse = NDDR(("depth", "edges"))
    >>> fuse(ops.array([[[1.0, 2.0], [1.0, 12.0]]])).numpy().round(3)[0, 0].tolist()
    [1.0, 3.0]
    >>> fuse.sharing().astype("float64").round(3).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """

    def build_mixture(self, channels):
        """Makes the kernels: multiples of the identity."""
        count = len(self.tasks)
        self.kernel = self.add_weight(name="kernel", shape=(count, count, channels, channels), initializer=self._start)

    def mixed(self, x):
        """Returns what each task makes of the features [batch, tasks, ...] of all."""
        count, channels = self.kernel.shape[1:3]
        beside = ops.moveaxis(x, 1, -2)
        kernel = ops.reshape(ops.transpose(self.kernel, (1, 2, 0, 3)), (count * channels, count * channels))
        found = ops.matmul(ops.reshape(beside, (-1, count * channels)), kernel)
        return ops.moveaxis(ops.reshape(found, (-1, *ops.shape(beside)[1:])), -2, 1)

    def sharing(self, inputs=None):
        """Returns [tasks, tasks]: ‖W_ij‖_F / √channels, the root mean square over its channels of how strongly task i reads task j."""
        kernel = ops.convert_to_numpy(self.kernel).astype("float32")
        return np.sqrt(np.sum(np.square(kernel), axis=(2, 3)) / kernel.shape[-1])

    def _start(self, shape, dtype=None):
        shares = self.shares(shape[0])[..., None, None] * ops.eye(shape[-1], dtype="float32")
        return ops.cast(shares, dtype)
