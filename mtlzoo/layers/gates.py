"""`Gates`: softmax gates over experts, all of them as one product."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import seeds
from mtlzoo.layers._copies import names
from mtlzoo.layers.stacked_dense import StackedDense


@keras.saving.register_keras_serializable(package="mtlzoo")
class Gates(StackedDense):
    """Softmax gates over experts, one a reader, all of them as one product: g_r(x) = softmax(W_r x).

    Args:
        experts: names of the experts.
        readers: names of those who read the experts, such as the tasks.
        kernel_initializer: a Keras initializer, varied for each reader, or a sequence of one a reader.
        seed: the seed that the gates' initial weights follow from, by reader; None leaves them to the initializer.
        slices: "tasks" if each reader is a task: balancers then leave its gate to the task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input [batch, 1, features] that all gates read, or [batch, readers, features]; output [batch, readers, experts], which
    sums to 1 over the experts. Weights: `kernel` [readers, features, experts].

    Raises:
        ValueError, TypeError: names are not as said above.

    Source: Ma et al., "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts", KDD 2018.

    >>> gates = Gates(("one", "two", "three"), ("click", "like"))
    >>> g = gates(ops.ones((5, 1, 8)))
    >>> tuple(g.shape), bool(ops.all(ops.abs(ops.sum(g, axis=-1) - 1) < 1e-6)), gates.sharing(ops.ones((5, 1, 8))).shape
    ((5, 2, 3), True, (2, 3))
    """

    sharing_needs_inputs = True

    def __init__(
        self,
        experts: Sequence[str],
        readers: Sequence[str],
        *,
        kernel_initializer="glorot_uniform",
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        experts, readers = names("experts", experts), names("readers", readers)
        if not isinstance(kernel_initializer, (list, tuple)):
            config = keras.initializers.serialize(keras.initializers.get(kernel_initializer))
            kernel_initializer = [seeds.reseed(config, seed, reader, "gate") for reader in readers]
        made = [
            keras.layers.Dense(len(experts), activation="softmax", use_bias=False, kernel_initializer=initializer, dtype=dtype)
            for initializer in kernel_initializer
        ]
        super().__init__(made, readers, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.experts = experts

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: readers and experts."""
        return self.copies, self.experts

    def sharing(self, inputs):
        """Returns the mean gates over a batch, [readers, experts], for what the layer reads."""
        return ops.convert_to_numpy(ops.mean(ops.cast(self(inputs), "float32"), axis=0))

    def get_config(self):
        """Returns names and initializers in plain types."""
        config = {key: value for key, value in super().get_config().items() if key not in ("layer", "copies")}
        started = [keras.initializers.serialize(layer.kernel_initializer) for layer in self._copies.layers]
        return {**config, "experts": list(self.experts), "readers": list(self.copies), "kernel_initializer": started}

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned."""
        return cls(**config)
