"""`Stacked`: what all layers have in common that run N copies of a layer as one."""

import keras
import numpy as np

from mtlzoo import checks
from mtlzoo.layers._copies import Copies


class Stacked(keras.layers.Layer):
    """N copies of a layer as one layer, from [batch, N or 1, ...] to [batch, N, ...].

    Axis 1 of the input holds what each copy reads, or one entry that all of them read (`ForAll` makes it). Weights are
    [N, ...], in the order that the single layer has them. Initializers, regularizers and constraints act on every copy by
    itself, and copies start different.

    Args:
        layer: the layer to copy, or a sequence of one layer a copy, alike but for names and seeds. Weights that it has
            already are those that the copies start with.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.
    """

    of = keras.layers.Layer

    def __init__(self, layer, copies=None, *, slices=None, name=None, trainable=None, dtype=None):
        held = Copies(layer, copies, self.of)
        super().__init__(
            name=name,
            trainable=held.trainable if trainable is None else trainable,
            dtype=held.first.dtype_policy if dtype is None else dtype,
            activity_regularizer=held.regularizer("activity_regularizer", axis=1),
        )
        self._copies = held
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.supports_masking = held.first.supports_masking

    @property
    def trainable(self) -> bool:
        """Whether weights are trained; when it is set, the copies follow, all of them."""
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.layers.Layer.trainable.fset(self, value)
        for layer in self._copies.layers:
            layer.trainable = value

    @property
    def copies(self) -> tuple[str, ...]:
        """Names of the copies, in the order of axis 1."""
        return self._copies.names

    def build(self, input_shape):
        """Makes the weights of all copies."""
        keras.tree.map_shape_structure(self._check, input_shape)
        self.build_copies(keras.tree.map_shape_structure(_single, input_shape))
        for copy, weights in zip(self.copies, self._copies.start, strict=True):
            if weights is not None:
                self.set_copy_weights(copy, weights)

    def build_copies(self, input_shape):
        """Makes the weights of all copies, given the shape that one of them reads."""
        raise NotImplementedError

    def add_stacked_weight(self, name, shape, trainable=True, autocast=True):
        """Adds a variable [N, *shape] that is, slice by slice, what the copies' attributes of that name say."""
        return self.add_weight(
            name=name,
            shape=(len(self.copies), *shape),
            initializer=self._copies.initializer(f"{name}_initializer"),
            regularizer=self._copies.regularizer(f"{name}_regularizer"),
            constraint=self._copies.constraint(f"{name}_constraint"),
            trainable=trainable,
            autocast=autocast,
        )

    def matched_weights(self) -> list[tuple]:
        """Returns the weights that are trained, matched over copies: a list of pairs of name and tensor [N, ...]."""
        return [(variable.name, keras.ops.convert_to_tensor(variable)) for variable in self.trainable_variables]

    def copy_weights(self, copy) -> list[np.ndarray]:
        """Returns the weights of one copy, as `get_weights` of the single layer gives them.

        Args:
            copy: the copy's name or place.

        Returns:
            A list of NumPy arrays.
        """
        index = self._copies.index(copy)
        return [keras.ops.convert_to_numpy(variable)[index] for variable in self.weights]

    def set_copy_weights(self, copy, weights):
        """Sets the weights of one copy.

        Args:
            copy: the copy's name or place.
            weights: as `copy_weights` returns them.
        """
        index = self._copies.index(copy)
        wanted = [tuple(variable.shape[1:]) for variable in self.weights]
        received = [np.shape(value) for value in weights]
        if wanted != received:
            raise ValueError(f"`weights` must have the shapes {wanted}; received {received}.")
        for variable, value in zip(self.weights, weights, strict=True):
            every = np.array(keras.ops.convert_to_numpy(variable))
            every[index] = value
            variable.assign(every)

    def compute_output_shape(self, input_shape):
        """Returns [batch, N, ...] with what one copy gives in the place of the dots."""
        batch, *rest = self._copies.first.compute_output_shape(keras.tree.map_shape_structure(_single, input_shape))
        return (batch, len(self.copies), *rest)

    def get_config(self):
        """Returns the copies, one configuration each, and the rest in plain types."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "layer": [keras.saving.serialize_keras_object(layer) for layer in self._copies.layers],
            "copies": list(self.copies),
            "slices": self.slices,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned."""
        return cls(**{**config, "layer": [keras.saving.deserialize_keras_object(layer) for layer in config["layer"]]})

    def _check(self, shape):
        if len(shape) < 3 or shape[1] not in (1, len(self.copies)):
            raise ValueError(
                f"`inputs` of {self.name!r} must be [batch, {len(self.copies)}, ...], an entry a copy on axis 1, or [batch, 1, ...] "
                f"for what all copies read (mtlzoo.layers.ForAll makes it); received the shape {tuple(shape)}."
            )


def _single(shape):
    return (shape[0], *shape[2:])
