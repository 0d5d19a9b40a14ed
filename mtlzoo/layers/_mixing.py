"""`Mixing`: what layers have in common by which every task reads a learnt mixture of all tasks' features."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names


class Mixing(keras.layers.Layer):
    """Every task reads a learnt mixture of all tasks' features, from [batch, tasks or 1, ...] to [batch, tasks, ...].

    Args:
        tasks: names of the tasks, in the order of axis 1.
        own: what a reader takes of its own at the start; the rest of 1 is shared out among the others.
        slices: "tasks" if the mixture of a task serves that task alone, as behind the last stage of a network: balancers then
            leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.
    """

    sharing_needs_inputs = False

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        own: float = 0.9,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.own = checks.number("own", own, low=0, high=1)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the weights."""
        count = len(self.tasks)
        if len(input_shape) < 3 or input_shape[1] not in (1, count):
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, {count}, ...]; received the shape {tuple(input_shape)}.")
        if input_shape[-1] is None:
            raise ValueError(f"`inputs` of {self.name!r} must end in a known number of channels; received {tuple(input_shape)}.")
        self.build_mixture(input_shape[-1])

    def build_mixture(self, channels):
        """Makes the weights, given the size of the last axis."""
        raise NotImplementedError

    def call(self, x):
        """Returns the mixtures, [batch, tasks, ...]."""
        return self.mixed(ops.repeat(x, len(self.tasks), axis=1) if x.shape[1] < len(self.tasks) else x)

    def mixed(self, x):
        """Returns the mixtures of features [batch, tasks, ...]."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, ...]."""
        return (input_shape[0], len(self.tasks), *input_shape[2:])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: who reads, and who is read."""
        return self.tasks, self.tasks

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "own": self.own, "slices": self.slices}

    def shares(self, count):
        """Returns the matrix [count, count] that mixtures start with: `own` on its diagonal, rows sum to 1."""
        rest = (1 - self.own) / (count - 1) if count > 1 else 0.0
        return ops.eye(count, dtype="float32") * ((self.own if count > 1 else 1.0) - rest) + rest
