"""`Packed`: a layer whose free weights serve tasks that came later."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Packed(keras.layers.Layer):
    """A fixed layer with a kernel, whose free entries (zeros) are given out to later tasks, a group of entries each.

    On route 0 it is the layer. On route k its kernel is that of the layer plus the values of the groups 1 to k at their places: a later
    task reads what came before, and what came before does not read it. Only the last group is trained.

    Args:
        layer: a Keras layer with a `kernel`; it is fixed.
        groups: the number of entries of each group.
        name: the layer's name.
        trainable: whether the last group is trained.
        dtype: as in Keras.

    Input and output are those of the layer; call it with `route=k`, 0 to the number of groups, which is the default. Weights beside
    the layer's, for each group k: `values<k>` [entries], which start at zero, and `places<k>` [entries], int32, their places in the
    flattened kernel.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Mallya and Lazebnik, "PackNet: Adding multiple tasks to a single network by iterative pruning", CVPR 2018.

    >>> packed = Packed(keras.layers.Dense(2, kernel_initializer="zeros"), (3,))
    >>> x = ops.ones((1, 4))
    >>> _ = packed(x), packed.values[0].assign([1.0, 2.0, 5.0]), packed.places[0].assign([0, 1, 2])
    >>> packed(x, route=0).numpy().tolist(), packed(x, route=1).numpy().tolist()
    ([[0.0, 0.0]], [[6.0, 2.0]])
    """

    def __init__(self, layer, groups: Sequence[int], *, name: str | None = None, trainable: bool = True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.layer = checks.instance("layer", layer, keras.layers.Layer, "a Keras layer with a kernel")
        self.layer.trainable = False
        self.groups = checks.widths("groups", groups)
        self.supports_masking = layer.supports_masking

    def build(self, input_shape):
        """Makes the layer's weights and the groups."""
        if not self.layer.built:
            self.layer.build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(f"`layer` must have a kernel; {self.layer.name!r} has none.")
        size = math.prod(self.layer.kernel.shape)
        if max(self.groups, default=0) > size:
            raise ValueError(f"`groups` must have at most the {size} entries of the kernel; received {self.groups}.")
        self.values, self.places = [], []
        for index, count in enumerate(self.groups, start=1):
            last = index == len(self.groups)
            self.values.append(self.add_weight(name=f"values{index}", shape=(count,), initializer="zeros", trainable=last))
            options = {"initializer": _first, "dtype": "int32", "trainable": False, "autocast": False}
            self.places.append(self.add_weight(name=f"places{index}", shape=(count,), **options))

    def call(self, x, route=None):
        """Returns what the layer gives with the kernel of a route."""
        route = len(self.groups) if route is None else checks.integer("route", route, low=0, high=len(self.groups))
        if route == 0:
            return self.layer(x)
        weights = [self.kernel_of(route) if weight is self.layer.kernel else weight.value for weight in self.layer.non_trainable_variables]
        return self.layer.stateless_call([], weights, x)[0]

    def kernel_of(self, route):
        """Returns the kernel of a route."""
        kernel = ops.convert_to_tensor(self.layer.kernel)
        for values, places in zip(self.values[:route], self.places[:route], strict=True):
            flat = ops.scatter(ops.expand_dims(places, 1), ops.convert_to_tensor(values), (math.prod(kernel.shape),))
            kernel = kernel + ops.cast(ops.reshape(flat, kernel.shape), kernel.dtype)
        return kernel

    def group(self, variable):
        """Returns the number of the group that a weight belongs to, or 0 for the layer's own."""
        pairs = enumerate(zip(self.values, self.places, strict=True), start=1)
        return next((index for index, pair in pairs if any(variable is part for part in pair)), 0)

    def compute_output_shape(self, input_shape):
        """Returns the shape of what the layer gives."""
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, x, route=None):
        """Returns shape and dtype of what the layer gives."""
        return self.layer.compute_output_spec(x)

    def compute_mask(self, x, previous_mask):
        """Returns the layer's own mask."""
        return self.layer.compute_mask(x, previous_mask)

    def get_config(self):
        """Returns the layer's configuration and the groups."""
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer), "groups": list(self.groups)}

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned."""
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})


def _first(shape, dtype=None):
    return ops.arange(shape[0], dtype=dtype)
