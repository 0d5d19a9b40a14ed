"""`GroupAttention`: every task weighs groups of features by how well their keys answer its query."""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._copies import names

_LEAST = 1e-6  # Below, a temperature would be lost in float32.


@keras.saving.register_keras_serializable(package="mtlzoo")
class GroupAttention(keras.layers.Layer):
    """Weights of a task on groups of features: softmax over groups g of q_t · k_g / (√width · temperature).

    Groups are shared, open to all tasks, or a task's private ones, which no other task reads.

    Args:
        tasks: names of the tasks.
        shared: names of the shared groups.
        private: how many groups of its own each task has.
        temperature: 1 for a plain softmax; the less, the more goes to the best group. At 0 the best group has the weight 1, and
            gradients are those of the softmax at temperature 1 (a straight-through estimator), so that queries still learn.
        seed: the seed that the queries follow from, by task; None leaves them to Keras.
        slices: "tasks" if what a task reads serves that task alone: balancers then leave its query to its own gradient.
        name: the layer's name.
        trainable: whether queries are trained.
        dtype: as in Keras. The softmax runs in float32 in any case.

    Input: keys [batch, groups, width], first those of the shared groups, then those of each task in turn. Output [batch, tasks,
    groups], which sums to 1 over the groups and is 0 at other tasks' groups, as `Mixture` reads it. Weights: `queries` [tasks, width].

    Raises:
        ValueError, TypeError: an argument or the number of groups is not as said above.

    Source: the reading of attention-weighted feature sharing that mtlzoo stands by; the softmax over keys is that of Vaswani et
        al., "Attention is all you need", NeurIPS 2017; straight-through: Bengio, Léonard and Courville 2013.

    >>> attention = GroupAttention(("click", "like"), ("shared",), seed=0)
    >>> weights = attention(ops.ones((5, 3, 8)))
    >>> weights.numpy()[0].tolist(), attention.sharing_labels[1]
    ([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]], ('shared', 'private'))
    """

    sharing_needs_inputs = True

    def __init__(
        self,
        tasks: Sequence[str],
        shared: Sequence[str],
        private: int = 1,
        *,
        temperature: float = 1.0,
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks, self.shared = names("tasks", tasks), names("shared", shared)
        self.private = checks.integer("private", private, low=1)
        self.temperature = checks.number("temperature", temperature, low=0)
        if 0 < self.temperature < _LEAST:
            raise ValueError(f"`temperature` must be 0, or at least {_LEAST:g}; received {temperature!r}.")
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        # Row t of the places of task t's own groups.
        own = len(self.shared) + np.arange(len(self.tasks) * self.private).reshape(len(self.tasks), self.private)
        open_to_all = np.tile(np.arange(len(self.shared)), (len(self.tasks), 1))
        self._places = np.concatenate([open_to_all, own], axis=1)

    def build(self, input_shape):
        """Makes the queries."""
        count = len(self.shared) + len(self.tasks) * self.private
        if len(input_shape) != 3 or input_shape[1] != count or input_shape[2] is None:
            raise ValueError(
                f"`inputs` of {self.name!r} must be keys [batch, {count}, width] of {len(self.shared)} shared groups and {self.private} of "
                f"each of {len(self.tasks)} tasks; received the shape {tuple(input_shape)}."
            )
        self.queries = self.add_weight(name="queries", shape=(len(self.tasks), input_shape[2]), initializer=self._start)

    def call(self, keys):
        """Returns the weights, [batch, tasks, groups]."""
        scores = ops.matmul(ops.cast(self.queries, self.compute_dtype), ops.transpose(keys, (0, 2, 1)))
        scores = ops.cast(scores, "float32") / math.sqrt(keys.shape[2])
        open_to = np.zeros(scores.shape[1:], "bool")
        np.put_along_axis(open_to, self._places, True, axis=1)
        scores = ops.where(open_to, scores, np.float32(np.finfo("float32").min))
        scores = scores - ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
        weights = ops.softmax(ops.where(open_to, scores / (self.temperature or 1.0), -np.inf), axis=-1)
        if not self.temperature:
            best = ops.one_hot(ops.argmax(scores, axis=-1), scores.shape[-1], dtype="float32")
            weights = best + (weights - ops.stop_gradient(weights))
        return ops.cast(weights, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, groups]."""
        return (input_shape[0], len(self.tasks), input_shape[1])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: tasks, and the shared groups and the task's own."""
        own = ("private",) if self.private == 1 else tuple(f"private{index}" for index in range(self.private))
        return self.tasks, (*self.shared, *own)

    def sharing(self, inputs):
        """Returns the mean weights over a batch, [tasks, shared and own groups], for the keys that the layer reads."""
        weights = ops.convert_to_numpy(ops.mean(ops.cast(self(inputs), "float32"), axis=0))
        return np.take_along_axis(weights, self._places, axis=1)

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"tasks": list(self.tasks), "shared": list(self.shared), "private": self.private, "temperature": self.temperature}
        return {**super().get_config(), **own, "seed": self.seed, "slices": self.slices}

    def _start(self, shape, dtype=None):
        own = [None if self.seed is None else seeds.derive(self.seed, task, "query") for task in self.tasks]
        return ops.stack([keras.initializers.RandomNormal(stddev=1.0, seed=seed)(shape[1:], dtype=dtype) for seed in own])
