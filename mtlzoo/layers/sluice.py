"""`Sluice`: every subspace of every task reads a learnt mixture of all subspaces of all tasks."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._mixing import Mixing


@keras.saving.register_keras_serializable(package="mtlzoo")
class Sluice(Mixing):
    """Sluice unit: the channels of each task are cut into subspaces, and x_ig ← Σ_jh a_ig,jh x_jh over tasks j and subspaces h.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        subspaces: the number of subspaces, equal runs of the channels (the last axis).
        own: a_ig,ig at the start; the rest of 1 is shared out among the other subspaces of all tasks.
        slices: "tasks" if the mixture of a task serves that task alone, as behind the last stage of a network: balancers then
            leave its numbers a to that task's own gradient.
        name: the layer's name.
        trainable: whether a is trained.
        dtype: as in Keras.

    Input and output [batch, tasks, ..., channels]. Weights: `units` [tasks, subspaces, tasks, subspaces].

    Raises:
        ValueError, TypeError: an argument is not as said above, or the number of channels cannot be divided by `subspaces`.

    Source: Ruder et al., "Latent multi-task architecture learning", AAAI 2019.

    >>> unit = Sluice(("depth", "edges"), own=0.7)
    >>> [round(float(value), 3) for value in unit(ops.array([[[1.0, 2.0], [3.0, 4.0]]]))[0, 0]]
    [1.6, 2.2]
    >>> unit.sharing_labels[0]
    ('depth.1', 'depth.2', 'edges.1', 'edges.2')
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        subspaces: int = 2,
        own: float = 0.9,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(tasks, own=own, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.subspaces = checks.integer("subspaces", subspaces, low=1)

    def build_mixture(self, channels):
        """Makes the units, rows convex."""
        if channels % self.subspaces:
            raise ValueError(f"`subspaces` must divide the {channels} channels that {self.name!r} reads; received {self.subspaces}.")
        self.units = self.add_weight(name="units", shape=(len(self.tasks), self.subspaces) * 2, initializer=self._start)

    def mixed(self, x):
        """Returns the mixtures of features [batch, tasks, ...]."""
        count = len(self.tasks) * self.subspaces
        shape, width = tuple(ops.shape(x)), x.shape[-1] // self.subspaces
        places = math.prod(shape[2:-1])
        parts = ops.reshape(x, (-1, len(self.tasks), places, self.subspaces, width))
        parts = ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4)), (-1, count, places * width))
        found = ops.matmul(ops.reshape(self.units, (count, count)), parts)
        found = ops.reshape(found, (-1, len(self.tasks), self.subspaces, places, width))
        return ops.reshape(ops.transpose(found, (0, 1, 3, 2, 4)), (-1, *shape[1:]))

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: each task's subspaces, counted from 1."""
        labels = tuple(f"{task}.{index + 1}" for task in self.tasks for index in range(self.subspaces))
        return labels, labels

    def sharing(self, inputs=None):
        """Returns a as a matrix, [tasks · subspaces, tasks · subspaces]."""
        count = len(self.tasks) * self.subspaces
        return ops.convert_to_numpy(self.units).astype("float32").reshape(count, count)

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "subspaces": self.subspaces}

    def _start(self, shape, dtype=None):
        return ops.cast(ops.reshape(self.shares(shape[0] * shape[1]), shape), dtype)
