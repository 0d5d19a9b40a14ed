"""`StageMixture`: every task reads a learnt mixture of its features at several stages."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class StageMixture(keras.layers.Layer):
    """Every task reads a learnt mixture of its own features at several stages: y_t = Σ_s b_ts x_ts.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        stages: names of the stages, in order.
        last: b of the last stage at the start; the rest of 1 is shared out among the others.
        name: the layer's name.
        trainable: whether b is trained.
        dtype: as in Keras.

    Input a list of one tensor [batch, tasks, ...] a stage, all of one shape; output [batch, tasks, ...]. Weights: `beta` [tasks, stages].
    A task's row of b serves that task alone.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the mixture of layer outputs β in Ruder et al., "Latent multi-task architecture learning", AAAI 2019.

    >>> mixture = StageMixture(("depth", "edges"), ("low", "high"), last=0.5)
    >>> mixture([ops.ones((1, 2, 1)), 3 * ops.ones((1, 2, 1))]).numpy().tolist()
    [[[2.0], [2.0]]]
    """

    slices = "tasks"
    sharing_needs_inputs = False

    def __init__(
        self,
        tasks: Sequence[str],
        stages: Sequence[str],
        *,
        last: float = 0.9,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks, self.stages = names("tasks", tasks), names("stages", stages)
        self.last = checks.number("last", last, low=0, high=1)

    def build(self, input_shape):
        """Makes the numbers b, rows convex."""
        shapes = [tuple(shape) for shape in input_shape]
        fits = len(shapes) == len(self.stages) and all(shape == shapes[0] for shape in shapes)
        if not fits or len(shapes[0]) < 3 or shapes[0][1] != len(self.tasks):
            raise ValueError(
                f"`inputs` of {self.name!r} must be {len(self.stages)} tensors of one shape [batch, {len(self.tasks)}, ...], one a stage; "
                f"received the shapes {shapes}."
            )
        self.beta = self.add_weight(name="beta", shape=(len(self.tasks), len(self.stages)), initializer=self._start)

    def call(self, inputs):
        """Returns the mixtures, [batch, tasks, ...]."""
        wide = (len(self.tasks), *(1,) * (len(inputs[0].shape) - 2))
        factors = ops.unstack(ops.convert_to_tensor(self.beta), axis=1)
        return sum(ops.reshape(factor, wide) * x for factor, x in zip(factors, inputs, strict=True))

    def compute_output_shape(self, input_shape):
        """Returns the shape of one input."""
        return tuple(input_shape[0])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: tasks and stages."""
        return self.tasks, self.stages

    def sharing(self, inputs=None):
        """Returns b [tasks, stages]."""
        return ops.convert_to_numpy(self.beta).astype("float32")

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "stages": list(self.stages), "last": self.last}

    def _start(self, shape, dtype=None):
        others = shape[1] - 1
        row = [(1 - self.last) / others] * others + [self.last] if others else [1.0]
        return ops.cast(ops.broadcast_to(ops.array(row, dtype="float32"), shape), dtype)
