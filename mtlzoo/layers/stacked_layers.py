"""`StackedLayers`: N copies of any layer, one after the other."""

import inspect

import keras
from keras import ops

from mtlzoo.layers._stacked import Stacked


@keras.saving.register_keras_serializable(package="mtlzoo")
class StackedLayers(Stacked):
    """N copies of any layer or model behind the face of one: each runs by itself, the outputs are stacked.

    Args:
        layer: a layer or model to copy, or a sequence of one a copy, alike but for names and seeds.
        copies: the copies' names, or their number; None for the names of the layers.
        slices: "tasks" if each copy serves one task alone: balancers then leave its weights to that task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained; None as the layer to copy.
        dtype: as in Keras; None as the layer to copy.

    Input [batch, N, ...], or [batch, 1, ...] that all copies read, or a dict of these; output [batch, N, ...]. A mask of the
    input is handed on to the copies. The copies are in `layers`, with their own weights.

    Raises:
        ValueError, TypeError: an argument is not as said above, or a copy gives more than one tensor.

    Source: the plain loop that the fused layers of this package stand for.

    >>> norms = StackedLayers(keras.layers.LayerNormalization(), copies=3)
    >>> tuple(norms(ops.ones((2, 1, 5))).shape), norms.layers[2].name
    ((2, 3, 5), 'copy2')
    """

    def __init__(self, layer, copies=None, *, slices=None, name=None, trainable=None, dtype=None):
        super().__init__(layer, copies, slices=slices, name=name, trainable=trainable, dtype=dtype)
        self.activity_regularizer = None  # Each copy adds its own.
        self.layers = list(self._copies.layers)

    def build_copies(self, input_shape):
        """Builds the copies."""
        for layer in self.layers:
            if not layer.built:
                layer.build(input_shape)

    def matched_weights(self):
        """Returns the weights that are trained, matched over copies: a list of pairs of name and tensor [N, ...]."""
        matched = zip(*(layer.trainable_variables for layer in self.layers), strict=True)
        return [(variables[0].name, ops.stack([variable.value for variable in variables])) for variables in matched]

    def copy_weights(self, copy):
        """Returns the weights of one copy, given by its name or place, as a list of NumPy arrays."""
        return self.layers[self._copies.index(copy)].get_weights()

    def set_copy_weights(self, copy, weights):
        """Sets the weights of one copy, given by its name or place."""
        self.layers[self._copies.index(copy)].set_weights(weights)

    def call(self, x, mask=None):
        """Returns what the copies give, stacked on axis 1."""
        found = []
        for layer, mine, hidden in zip(self.layers, self._apart(x), self._apart(mask), strict=True):
            masked = any(part is not None for part in keras.tree.flatten(hidden)) and "mask" in inspect.signature(layer.call).parameters
            found.append(layer(mine, mask=hidden) if masked else layer(mine))
        return ops.stack(found, axis=1)

    def compute_mask(self, x, previous_mask):
        """Returns the copies' masks, stacked on axis 1, or None."""
        pairs = zip(self.layers, self._apart(x), self._apart(previous_mask), strict=True)
        masks = [layer.compute_mask(mine, hidden) for layer, mine, hidden in pairs]
        return None if masks[0] is None else ops.stack(masks, axis=1)

    def _apart(self, values):
        """Returns a list of what each copy reads."""
        count = len(self.layers)
        parts = [_entries(part, count) for part in keras.tree.flatten(values)]
        return [keras.tree.pack_sequence_as(values, [part[index] for part in parts]) for index in range(count)]


def _entries(values, count):
    if values is None:
        return [None] * count
    return [ops.squeeze(values, 1)] * count if values.shape[1] == 1 else ops.unstack(values, axis=1)
