"""`FusionGates`: softmax gates over all experts, and fixed weights that each reader's own experts have on top."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers.gates import Gates


@keras.saving.register_keras_serializable(package="mtlzoo")
class FusionGates(Gates):
    """Softmax gates over the experts of all readers plus learnt weights of each reader's own: g_r(x) = softmax(W_r x) + v_r.

    The own weights v do not depend on the input; a mixture with these gates is a gated sum over all experts, and a residual linear
    combination of the reader's own ones.

    Args:
        experts: names of the experts.
        readers: names of those who read the experts, such as the tasks.
        own: how many experts are each reader's own.
        first: place of the first reader's first own expert; the own experts of the other readers follow in order.
        kernel_initializer: a Keras initializer, varied for each reader, or a sequence of one a reader.
        seed: the seed that the gates' initial weights follow from, by reader; None leaves them to the initializer.
        slices: "tasks" if each reader is a task: balancers then leave its gate to the task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input [batch, 1, features] that all gates read, or [batch, readers, features]; output [batch, readers, experts]. Weights:
    `kernel` [readers, features, experts] and `native` [readers, own], which starts at 1/own.

    Raises:
        ValueError, TypeError: names are not as said above, or there are fewer experts than own ones.

    Source: Li et al., "AdaTT: adaptive task-to-task fusion network for multitask learning in recommendations", KDD 2023. There v is
        fixed at 1 where a reader has one own expert; here it is learnt there too.

    >>> gates = FusionGates(("one", "two", "three", "four"), ("click", "like"), own=2)
    >>> gates(ops.zeros((1, 1, 8))).numpy()[0].tolist()
    [[0.75, 0.75, 0.25, 0.25], [0.25, 0.25, 0.75, 0.75]]
    """

    def __init__(
        self,
        experts: Sequence[str],
        readers: Sequence[str],
        *,
        own: int,
        first: int = 0,
        kernel_initializer="glorot_uniform",
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(
            experts, readers, kernel_initializer=kernel_initializer, seed=seed, slices=slices, name=name, trainable=trainable, dtype=dtype
        )
        self.own = checks.integer("own", own, low=1)
        self.first = checks.integer("first", first, low=0)
        if self.first + self.own * len(self.copies) > len(self.experts):
            raise ValueError(
                f"`experts` must hold {self.own} own experts of {len(self.copies)} readers from place {self.first} on; "
                f"received {len(self.experts)} experts."
            )

    def build_copies(self, input_shape):
        """Makes the gates' kernels and the own weights."""
        super().build_copies(input_shape)
        start = keras.initializers.Constant(1 / self.own)
        self.native = self.add_weight(name="native", shape=(len(self.copies), self.own), initializer=start)

    def call(self, x):
        """Returns [batch, readers, experts] for [batch, 1 or readers, features]."""
        gates, count = super().call(x), len(self.copies)
        own = ops.expand_dims(ops.eye(count, dtype=gates.dtype), -1) * ops.expand_dims(ops.cast(self.native, gates.dtype), 1)
        behind = len(self.experts) - self.first - self.own * count
        return gates + ops.pad(ops.reshape(own, (count, count * self.own)), [[0, 0], [self.first, behind]])

    def get_config(self):
        """Returns names, initializers and places in plain types."""
        return {**super().get_config(), "own": self.own, "first": self.first}
