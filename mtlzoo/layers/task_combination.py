"""`TaskCombination`: a gate a task between its own features and those that it read elsewhere."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class TaskCombination(keras.layers.Layer):
    """A gate a task between its own features and others: y_t = g_t·own_t + (1 − g_t)·read_t, g_t = sigmoid(w_t·[own_t, read_t] + b_t).

    Args:
        tasks: names of the tasks, in the order of axis 1.
        own: the gate at the start, the share of a task's own features, the same for every input.
        slices: "tasks" if what a task reads serves that task alone: balancers then leave its gate to its own gradient.
        name: the layer's name.
        trainable: whether gates are trained.
        dtype: as in Keras.

    Input a pair: own and read features, [batch, tasks, features] each; output the same. Weights: `kernel` [tasks, 2 · features],
    which starts at 0, and `bias` [tasks].

    Raises:
        ValueError, TypeError: an argument or a shape is not as said above.

    Source: mtlzoo's own; such a gate is that of Srivastava, Greff and Schmidhuber, "Highway networks", 2015.

    >>> combination = TaskCombination(("depth", "edges"), own=0.75)
    >>> combination([ops.ones((1, 2, 1)) * 8, ops.zeros((1, 2, 1))]).numpy().round(4).tolist()
    [[[6.0], [6.0]]]
    """

    sharing_needs_inputs = True

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        own: float = 0.5,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.own = checks.number("own", own, low=0.001, high=0.999)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])

    def build(self, input_shape):
        """Makes the gates."""
        own, read = (tuple(shape) for shape in input_shape)
        count = len(self.tasks)
        if len(own) != 3 or own[1] != count or own[1:] != read[1:] or own[2] is None:
            raise ValueError(
                f"`inputs` of {self.name!r} must be own and read features, [batch, {count}, features] each; received the shapes {own} and "
                f"{read}."
            )
        start = math.log(self.own / (1 - self.own))
        self.kernel = self.add_weight(name="kernel", shape=(count, 2 * own[2]), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(count,), initializer=keras.initializers.Constant(start))

    def call(self, inputs):
        """Returns the combined features, [batch, tasks, features]."""
        own, read = inputs
        gates = self.gates(inputs)
        return gates * own + (1 - gates) * read

    def gates(self, inputs):
        """Returns the share of their own features that the tasks take.

        Args:
            inputs: as the layer reads them.

        Returns:
            A tensor [batch, tasks, 1] of numbers from 0 to 1.
        """
        scores = ops.sum(ops.cast(self.kernel, self.compute_dtype) * ops.concatenate(inputs, axis=-1), axis=-1, keepdims=True)
        return ops.sigmoid(scores + ops.cast(ops.expand_dims(self.bias, -1), self.compute_dtype))

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, features]."""
        return tuple(input_shape[0])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: tasks, and their own features and those that they read."""
        return self.tasks, ("own", "read")

    def sharing(self, inputs):
        """Returns the mean shares over a batch, [tasks, 2], for what the layer reads."""
        own = ops.mean(ops.cast(self.gates(inputs), "float32"), axis=0)
        return ops.convert_to_numpy(ops.concatenate([own, 1 - own], axis=-1))

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "own": self.own, "slices": self.slices}
