"""`TaskInteraction`: tasks attend to each other."""

import keras
from keras import ops

from mtlzoo.layers import _attention
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class TaskInteraction(keras.layers.Layer):
    """Attention over tasks: A·V with A = softmax(QKᵀ/√width), a matrix tasks × tasks for each example.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        name: the layer's name.
        trainable: as in Keras; there are no weights.
        dtype: as in Keras. The softmax runs in float32 in any case.

    Input a triple: queries and keys [batch, tasks, width], and values [batch, tasks, features]; output [batch, tasks, features].

    Raises:
        ValueError, TypeError: names or shapes are not as said above.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, with tasks in the place of words.

    >>> interaction = TaskInteraction(("depth", "edges"))
    >>> triple = [ops.zeros((1, 2, 3)), ops.zeros((1, 2, 3)), ops.array([[[1.0], [3.0]]])]
    >>> interaction(triple).numpy().tolist(), interaction.sharing(triple).tolist()
    ([[[2.0], [2.0]]], [[0.5, 0.5], [0.5, 0.5]])
    """

    sharing_needs_inputs = True

    def __init__(self, tasks, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.tasks = names("tasks", tasks)

    def build(self, input_shape):
        """Checks the shapes."""
        count = len(self.tasks)
        if len(input_shape) != 3 or any(len(shape) != 3 or shape[1] != count for shape in input_shape):
            raise ValueError(
                f"`inputs` of {self.name!r} must be queries, keys and values, [batch, {count}, ...] each; "
                f"received the shapes {[tuple(shape) for shape in input_shape]}."
            )
        if input_shape[0][2] != input_shape[1][2]:
            raise ValueError(f"`inputs` of {self.name!r} must have queries and keys of one width; received {input_shape[:2]}.")

    def call(self, inputs):
        """Returns what each task reads, [batch, tasks, features]."""
        queries, keys, values = inputs
        return ops.matmul(ops.cast(_attention.weights(queries, keys), self.compute_dtype), values)

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, features]."""
        return tuple(input_shape[2])

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: who reads, and who is read."""
        return self.tasks, self.tasks

    def sharing(self, inputs):
        """Returns the mean of A over a batch, [tasks, tasks], for what the layer reads."""
        queries, keys, _ = inputs
        return ops.convert_to_numpy(ops.mean(_attention.weights(queries, keys), axis=0))

    def get_config(self):
        """Returns the tasks and the rest in plain types."""
        return {**super().get_config(), "tasks": list(self.tasks)}
