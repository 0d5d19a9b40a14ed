"""`CrossStitch`: every task reads a learnt mixture of all tasks' features."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class CrossStitch(keras.layers.Layer):
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

    sharing_needs_inputs = False

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
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.per_channel = checks.instance("per_channel", per_channel, bool, "True or False")
        self.own = checks.number("own", own, low=0, high=1)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])

    def build(self, input_shape):
        """Makes the units, rows convex."""
        count = len(self.tasks)
        if len(input_shape) < 3 or input_shape[1] not in (1, count):
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, {count}, ...]; received the shape {tuple(input_shape)}.")
        shape = (count, count, input_shape[-1]) if self.per_channel else (count, count)
        self.units = self.add_weight(name="units", shape=shape, initializer=self._start)

    def call(self, x):
        """Returns the mixtures, [batch, tasks, ...]."""
        count = len(self.tasks)
        if x.shape[1] < count:
            x = ops.repeat(x, count, axis=1)
        if self.per_channel:
            return self._by_channel(x)
        shape = tuple(ops.shape(x)[1:])
        return ops.reshape(ops.matmul(self.units, ops.reshape(x, (-1, count, math.prod(shape[1:])))), (-1, *shape))

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, ...]."""
        return (input_shape[0], len(self.tasks), *input_shape[2:])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: who reads, and who is read."""
        return self.tasks, self.tasks

    def sharing(self, inputs=None):
        """Returns a [tasks, tasks], the mean over channels if there is one for each."""
        units = ops.convert_to_numpy(self.units).astype("float32")
        return units.mean(axis=-1) if self.per_channel else units

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"tasks": list(self.tasks), "per_channel": self.per_channel, "own": self.own, "slices": self.slices}
        return {**super().get_config(), **own}

    def _by_channel(self, x):
        if len(self.tasks) > 8:
            return ops.einsum("tsc,bs...c->bt...c", self.units, x)
        # Few tasks: products of whole tensors were measured to be two to three times as fast.
        parts = ops.unstack(x, axis=1)
        rows = [ops.unstack(row) for row in ops.unstack(ops.convert_to_tensor(self.units))]
        return ops.stack([sum(unit * part for unit, part in zip(row, parts, strict=True)) for row in rows], axis=1)

    def _start(self, shape, dtype=None):
        count = shape[0]
        if count == 1:
            return ops.ones(shape, dtype=dtype)
        units = ops.eye(count, dtype="float32") * (self.own - (1 - self.own) / (count - 1)) + (1 - self.own) / (count - 1)
        return ops.cast(ops.broadcast_to(ops.reshape(units, (count, count, *(1,) * (len(shape) - 2))), shape), dtype)
