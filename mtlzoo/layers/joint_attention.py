"""`JointAttention`: a Transformer block over the tokens of tasks and features."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers import _attention
from mtlzoo.layers._copies import names
from mtlzoo.layers._seeded import seeded


@keras.saving.register_keras_serializable(package="mtlzoo")
class JointAttention(keras.layers.Layer):
    """A Transformer block in which tasks read features, and features never read tasks.

    x ← x + attention(norm(x)), x ← x + dense(gelu(dense(norm(x)))), with layer normalisation in front of both. Tokens of features attend
    to each other; a task's token attends to them, to itself, and, if asked for, to the other tasks' tokens.

    Args:
        tasks: names of the tasks, whose tokens come first.
        heads: how many heads attention has; they share out the width.
        tasks_see_tasks: whether a task's token attends to those of other tasks.
        only_tasks: whether the block gives the tasks' tokens alone, as the last of several may: nothing is computed for the others.
        seed: the seed that initial weights follow from; None leaves them to Keras.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras. Softmax runs in float32 in any case.

    Input [batch, tasks + tokens, width]; output the same, or [batch, tasks, width]. A mask says which tokens are there to be read.

    Raises:
        ValueError, TypeError: an argument or the input is not as said above.

    Source: the masks of Sinodinos, Wei and Armanfard, "MultiTab: a scalable foundation for multitask learning on tabular data", AAAI
        2026; norms in front as in Xiong et al., "On layer normalization in the Transformer architecture", ICML 2020.

    >>> block = JointAttention(("click", "like"), heads=2, tasks_see_tasks=False)
    >>> x = ops.ones((5, 3, 8))
    >>> tuple(block(x).shape), block.sharing_labels[1], block.sharing(x).tolist()
    ((5, 3, 8), ('click', 'like', 'features'), [[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    """

    sharing_needs_inputs = True

    def __init__(
        self,
        tasks: Sequence[str],
        heads: int = 4,
        *,
        tasks_see_tasks: bool = True,
        only_tasks: bool = False,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)
        self.heads = checks.integer("heads", heads, low=1)
        self.tasks_see_tasks = checks.instance("tasks_see_tasks", tasks_see_tasks, bool, "True or False")
        self.only_tasks = checks.instance("only_tasks", only_tasks, bool, "True or False")
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the weights."""
        width = input_shape[-1]
        few = len(input_shape) == 3 and input_shape[1] is not None and input_shape[1] <= len(self.tasks)
        if len(input_shape) != 3 or width is None or few:
            raise ValueError(
                f"`inputs` of {self.name!r} must be tokens of {len(self.tasks)} tasks and of features behind them, "
                f"[batch, tasks + tokens, width]; received the shape {tuple(input_shape)}."
            )
        if width % self.heads:
            raise ValueError(f"`heads` of {self.name!r} must divide the width {width} of the tokens; received {self.heads}.")
        policy, dense = self.dtype_policy, keras.layers.Dense
        self._norm1 = self._built(keras.layers.LayerNormalization(name="norm1", dtype=policy), width)
        # A layer each, so that each starts with the spread of its own size. Offsets of keys would cancel in the softmax.
        self._query, self._key, self._value, self._output = (
            self._built(dense(width, use_bias=role != "key", name=role, dtype=policy), width)
            for role in ("query", "key", "value", "output")
        )
        self._norm2 = self._built(keras.layers.LayerNormalization(name="norm2", dtype=policy), width)
        self._inner = self._built(dense(4 * width, activation="gelu", name="inner", dtype=policy), width)
        self._outer = self._built(dense(width, name="outer", dtype=policy), 4 * width)

    def call(self, x, mask=None):
        """Returns tokens, [batch, tasks + tokens, width] or [batch, tasks, width]."""
        normed = self._norm1(x)
        weights = ops.cast(self._weights(normed, mask), self.compute_dtype)
        read = ops.transpose(ops.matmul(weights, self._apart(self._value(normed))), (0, 2, 1, 3))
        # A slice of tokens of unknown number has no known number itself.
        x = ops.reshape(self._readers(x), (-1, len(self.tasks), x.shape[2])) if self.only_tasks else x
        x = ops.add(x, self._output(ops.reshape(read, (-1, ops.shape(x)[1], x.shape[2]))))
        return ops.add(x, self._outer(self._inner(self._norm2(x))))

    def compute_mask(self, x, previous_mask):
        """Returns the mask; tokens of tasks alone need none."""
        return None if self.only_tasks else previous_mask

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks + tokens, width] or [batch, tasks, width]."""
        return (input_shape[0], len(self.tasks) if self.only_tasks else input_shape[1], input_shape[2])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: tasks, and tasks and all features together."""
        return self.tasks, (*self.tasks, "features")

    def sharing(self, inputs):
        """Returns the mean attention over a batch and the heads, [tasks, tasks + 1]: to each task, and to all features together."""
        count = len(self.tasks)
        found = ops.mean(self._weights(self._norm1(inputs), getattr(inputs, "_keras_mask", None))[:, :, :count], axis=(0, 1))
        return ops.convert_to_numpy(ops.concatenate([found[:, :count], ops.sum(found[:, count:], axis=-1, keepdims=True)], axis=-1))

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"tasks": list(self.tasks), "heads": self.heads, "tasks_see_tasks": self.tasks_see_tasks, "only_tasks": self.only_tasks}
        return {**super().get_config(), **own, "seed": self.seed}

    def _weights(self, normed, mask):
        """Attention [batch, heads, readers, tokens] in float32."""
        places = ops.arange(ops.shape(normed)[1])
        of_task, of_feature = places < len(self.tasks), places >= len(self.tasks)
        seen = of_task if self.tasks_see_tasks else ops.equal(ops.expand_dims(places, 1), places)
        to_tasks = ops.logical_and(ops.logical_and(ops.expand_dims(of_task, 1), of_task), seen)
        allowed = self._readers(ops.expand_dims(ops.logical_or(to_tasks, of_feature), 0))
        if mask is not None:
            allowed = ops.logical_and(allowed, ops.expand_dims(ops.cast(mask, "bool"), 1))
        queries, keys = self._apart(self._query(self._readers(normed))), self._apart(self._key(normed))
        return _attention.weights(queries, keys, ops.expand_dims(allowed, 1))

    def _readers(self, x):
        return x[:, : len(self.tasks)] if self.only_tasks else x

    def _apart(self, x):
        """The heads of [batch, tokens, width], [batch, heads, tokens, width / heads]."""
        return ops.transpose(ops.reshape(x, (-1, ops.shape(x)[1], self.heads, x.shape[2] // self.heads)), (0, 2, 1, 3))

    def _built(self, layer, width):
        layer = seeded(layer, self.seed, layer.name)
        layer.trainable = self.trainable
        layer.build((None, None, width))
        return layer
