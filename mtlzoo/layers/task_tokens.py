"""`TaskTokens`: a learnt token a task in front of the tokens of features."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class TaskTokens(keras.layers.Layer):
    """Puts a learnt token a task in front of the tokens of features.

    Args:
        tasks: names of the tasks.
        seed: the seed that the tokens follow from, by task; None leaves them to Keras.
        slices: "tasks" if each token serves its task alone, as where tasks do not attend to each other: balancers then leave it to the
            task's own gradient.
        name: the layer's name.
        trainable: whether the tokens are trained.
        dtype: as in Keras.

    Input [batch, tokens, width]; output [batch, tasks + tokens, width]. Weights: `tokens` [tasks, width]. A mask says of the tasks'
    tokens that they are there.

    Raises:
        ValueError, TypeError: an argument or the input is not as said above.

    Source: the class token of Devlin et al., "BERT", NAACL 2019, one a task.

    >>> tuple(TaskTokens(("click", "like"))(ops.ones((5, 3, 8))).shape)
    (5, 5, 8)
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the tokens."""
        if len(input_shape) != 3 or input_shape[2] is None:
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, tokens, width]; received the shape {tuple(input_shape)}.")
        self.tokens = self.add_weight(name="tokens", shape=(len(self.tasks), input_shape[2]), initializer=self._start)

    def call(self, x):
        """Returns [batch, tasks + tokens, width]."""
        own = ops.cast(ops.expand_dims(self.tokens, 0), x.dtype)
        return ops.concatenate([ops.broadcast_to(own, (ops.shape(x)[0], *self.tokens.shape)), x], axis=1)

    def compute_mask(self, x, previous_mask):
        """Returns the mask with the tasks' tokens in front, or None."""
        if previous_mask is None:
            return None
        there = ops.repeat(ops.ones_like(previous_mask[:, :1]), len(self.tasks), axis=1)
        return ops.concatenate([there, previous_mask], axis=1)

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks + tokens, width]."""
        batch, tokens, width = input_shape
        return (batch, None if tokens is None else len(self.tasks) + tokens, width)

    def get_config(self):
        """Returns the arguments in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks), "seed": self.seed, "slices": self.slices}

    def _start(self, shape, dtype=None):
        bound, own = 1 / math.sqrt(shape[1]), [None if self.seed is None else seeds.derive(self.seed, task, "token") for task in self.tasks]
        return ops.stack([keras.initializers.RandomUniform(-bound, bound, seed=seed)(shape[1:], dtype=dtype) for seed in own])
