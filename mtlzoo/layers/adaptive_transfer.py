"""`AdaptiveTransfer`: what one task found is handed on to the next, as much of it as attention says."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._copies import names

_ROLES = ("value", "query", "key")


@keras.saving.register_keras_serializable(package="mtlzoo")
class AdaptiveTransfer(keras.layers.Layer):
    """Adaptive information transfer along a chain of tasks: each reads its own vector and one handed on by the task before.

    The first task keeps its vector, z_1 = q_1. Each later one has a transferred vector p_t = relu(z_(t−1)·G_t + g_t) beside its own q_t,
    and z_t = Σ_u w_u·V_t(u) over u of both, with attention w = softmax(⟨Q_t(u), K_t(u)⟩ / √F). V, Q and K are linear.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        seed: the seed that initial weights follow from, by task; None leaves them to Keras.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input and output [batch, tasks, features]. Weights, for the T − 1 tasks behind the first: `transfer` [T−1, F, F], `bias` [T−1, F] and
    `projections` [T−1, F, 3·F], which holds V, Q and K side by side.

    Raises:
        ValueError, TypeError: an argument or the input is not as said above.

    Source: Xi et al., "Modeling the sequential dependence among audience multi-step conversions with multi-task learning in targeted
        display advertising" (AITM), KDD 2021, section 3.2.

    >>> layer = AdaptiveTransfer(("click", "buy"), seed=0)
    >>> tuple(layer(ops.ones((5, 2, 8))).shape), layer.sharing(ops.ones((5, 2, 8)))[0].tolist()
    ((5, 2, 8), [0.0, 1.0])
    """

    sharing_needs_inputs = True

    def __init__(self, tasks: Sequence[str], *, seed: int | None = None, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.seed = seed if seed is None else checks.integer("seed", seed)

    def build(self, input_shape):
        """Makes the weights of every step but the first."""
        count, width = len(self.tasks), input_shape[-1]
        if len(input_shape) != 3 or input_shape[1] != count:
            raise ValueError(f"`inputs` of {self.name!r} must be vectors a task [batch, {count}, features]; received {tuple(input_shape)}.")
        if count > 1:
            self.transfer = self._weight("transfer", (width, width), ("transfer",))
            self.bias = self.add_weight(name="bias", shape=(count - 1, width), initializer="zeros")
            self.projections = self._weight("projections", (width, width), _ROLES)

    def call(self, x):
        """Returns [batch, tasks, features]."""
        return self._run(x)[0]

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, features]."""
        return tuple(input_shape)

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: who reads, and what is read."""
        return self.tasks, ("transferred", "own")

    def sharing(self, inputs):
        """Returns the mean attention over a batch, [tasks, 2], for what the layer reads."""
        if not self.built:
            self.build(inputs.shape)
        return ops.convert_to_numpy(ops.mean(ops.cast(self._run(ops.convert_to_tensor(inputs))[1], "float32"), axis=0))

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "seed": self.seed}

    def _run(self, x):
        """Returns the vectors [batch, tasks, features] and the attention [batch, tasks, 2]."""
        vectors, count = [x[:, 0]], len(self.tasks)
        attention = [ops.stack([ops.zeros_like(x[:, 0, 0]), ops.ones_like(x[:, 0, 0])], axis=-1)]
        # What the own vectors say is known for all tasks before the chain begins.
        own = ops.unstack(ops.einsum("btf,tfk->btk", x[:, 1:], self.projections), axis=1) if count > 1 else []
        for step in range(count - 1):
            moved = ops.relu(ops.matmul(vectors[-1], self.transfer[step]) + self.bias[step])
            both = ops.stack([ops.matmul(moved, self.projections[step]), own[step]], axis=1)
            value, query, key = ops.split(both, len(_ROLES), axis=-1)
            weights = ops.softmax(ops.sum(query * key, axis=-1) / math.sqrt(x.shape[-1]), axis=-1)
            attention.append(weights)
            vectors.append(ops.sum(ops.expand_dims(weights, -1) * value, axis=1))
        return ops.stack(vectors, axis=1), ops.stack(attention, axis=1)

    def _weight(self, name, shape, roles):
        """Adds a weight [T−1, F, F · roles] whose slices start as dense layers do, each with a seed of its own."""

        def start(_, dtype=None):
            return ops.stack([ops.concatenate([self._glorot(task, role)(shape, dtype) for role in roles], -1) for task in self.tasks[1:]])

        return self.add_weight(name=name, shape=(len(self.tasks) - 1, shape[0], shape[1] * len(roles)), initializer=start)

    def _glorot(self, task, role):
        return keras.initializers.GlorotUniform(seed=None if self.seed is None else seeds.derive(self.seed, task, role))
