"""`FiLM`: one network's features, scaled and shifted for the task that it serves."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class FiLM(keras.layers.Layer):
    """Tells features which task they serve: y_t = (1 + γ_t)·x + β_t, with a scale and a shift for each task and channel.

    γ and β start at zero: all tasks begin with the same features.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        slices: "tasks" if what is made for a task serves that task alone: balancers then leave row t of γ and β to task t's own gradient.
        name: the layer's name.
        trainable: whether γ and β are trained.
        dtype: as in Keras.

    Input [batch, tasks, ..., channels], or [batch, 1, ..., channels] that all tasks read; output [batch, tasks, ..., channels]. Called
    with `task=` a task's name, it serves that task alone: from [batch, 1, ..., channels] to the same shape. Weights: `gamma` and `beta`
    [tasks, channels].

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Perez et al., "FiLM: Visual reasoning with a general conditioning layer", AAAI 2018, conditioned on the task.

    >>> film = FiLM(("depth", "edges"))
    >>> x = film(ops.ones((5, 1, 3)))
    >>> _ = film.gamma.assign([[0.0] * 3, [1.0] * 3]), film.beta.assign([[0.0] * 3, [0.5] * 3])
    >>> film(ops.ones((5, 1, 3))).numpy()[0].tolist()
    [[1.0, 1.0, 1.0], [2.5, 2.5, 2.5]]
    """

    sharing_needs_inputs = False

    def __init__(self, tasks: Sequence[str], *, slices: str | None = None, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.supports_masking = True

    def build(self, input_shape):
        """Makes γ and β."""
        if len(input_shape) < 3 or input_shape[1] not in (1, len(self.tasks)):
            raise ValueError(
                f"`inputs` of {self.name!r} must be [batch, {len(self.tasks)} or 1, ..., channels]; received {tuple(input_shape)}."
            )
        shape = (len(self.tasks), input_shape[-1])
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="zeros")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, x, task=None):
        """Returns [batch, tasks, ..., channels], or [batch, 1, ..., channels] for one task."""
        gamma, beta = ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta)
        if task is not None:
            index = self.tasks.index(checks.one_of("task", task, self.tasks))
            if x.shape[1] != 1:
                raise ValueError(f"`inputs` must be [batch, 1, ..., channels] for one task; received the shape {tuple(x.shape)}.")
            gamma, beta = gamma[index : index + 1], beta[index : index + 1]
        wide = (gamma.shape[0], *(1,) * (len(x.shape) - 3), gamma.shape[1])
        return x * (1 + ops.reshape(gamma, wide)) + ops.reshape(beta, wide)

    def compute_mask(self, x, previous_mask):
        """Returns the mask; one that all tasks read stays one."""
        return previous_mask

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, ..., channels], which is for all tasks."""
        return (input_shape[0], len(self.tasks), *input_shape[2:])

    def compute_output_spec(self, x, task=None):
        """Returns shape and dtype for all tasks, or for one."""
        shape = self.compute_output_shape(x.shape)
        return keras.KerasTensor(shape if task is None else (shape[0], 1, *shape[2:]), dtype=self.compute_dtype)

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: the tasks."""
        return self.tasks, self.tasks

    def sharing(self, inputs=None):
        """Returns how far apart two tasks' modulations are, [tasks, tasks]: the root mean square of their difference, 0 for the same."""
        both = ops.convert_to_numpy(ops.concatenate([self.gamma, self.beta], axis=1)).astype("float32")
        return ((both[:, None] - both[None]) ** 2).sum(axis=-1) ** 0.5 / math.sqrt(both.shape[1])

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "slices": self.slices}
