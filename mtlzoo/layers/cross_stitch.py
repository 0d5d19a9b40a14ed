"""`CrossStitch`: every task reads a learnt mixture of all tasks' features."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._mixing import Mixing


@keras.saving.register_keras_serializable(package="mtlzoo")
class CrossStitch(Mixing):
    """Cross-stitch unit: every task's features become a learnt mixture of all tasks' features, x_i ← Σ_j a_ij x_j.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        per_channel: whether there is a matrix a for each channel (the last axis), or one for all.
        own: a_ii at the start; the rest of 1 is shared out among the others.
        slices: "tasks" if the mixture of a task serves that task alone, as behind the last stage of a network: balancers then
            leave row i of a to task i's own gradient.
        name: the layer's name.
        trainable: whether a is trained.
        dtype: as in Keras.

    Input and output [batch, tasks, ..., channels]. Weights: `units` [tasks, tasks], or [tasks, tasks, channels].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Misra et al., "Cross-stitch networks for multi-task learning", CVPR 2016.

    >>> unit = CrossStitch(("depth", "edges"))
    >>> unit(ops.array([[[1.0, 2.0], [1.0, 12.0]]])).numpy().round(3)[0, 0].tolist()
    [1.0, 3.0]
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        per_channel: bool = False,
        own: float = 0.9,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(tasks, own=own, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.per_channel = checks.instance("per_channel", per_channel, bool, "True or False")

    def build_mixture(self, channels):
        """Makes the units, rows convex."""
        count = len(self.tasks)
        shape = (count, count, channels) if self.per_channel else (count, count)
        self.units = self.add_weight(name="units", shape=shape, initializer=self._start)

    def mixed(self, x):
        """Returns the mixtures of features [batch, tasks, ...]."""
        if self.per_channel:
            return self._by_channel(x)
        shape = tuple(ops.shape(x)[1:])
        return ops.reshape(ops.matmul(self.units, ops.reshape(x, (-1, len(self.tasks), math.prod(shape[1:])))), (-1, *shape))

    def sharing(self, inputs=None):
        """Returns a [tasks, tasks], the mean over channels if there is one for each."""
        units = ops.convert_to_numpy(self.units).astype("float32")
        return units.mean(axis=-1) if self.per_channel else units

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "per_channel": self.per_channel}

    def _by_channel(self, x):
        if len(self.tasks) > 8:
            return ops.einsum("tsc,bs...c->bt...c", self.units, x)
        # Few tasks: products of whole tensors were measured to be two to three times as fast.
        parts = ops.unstack(x, axis=1)
        rows = [ops.unstack(row) for row in ops.unstack(ops.convert_to_tensor(self.units))]
        return ops.stack([sum(unit * part for unit, part in zip(row, parts, strict=True)) for row in rows], axis=1)

    def _start(self, shape, dtype=None):
        units = self.shares(shape[0])
        return ops.cast(ops.broadcast_to(units if len(shape) == 2 else units[..., None], shape), dtype)
