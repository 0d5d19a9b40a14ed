"""`Penalised`: what layers have in common that run stacked layers and add a penalty on their weights to the loss."""

from collections.abc import Sequence

import keras

from mtlzoo import checks
from mtlzoo.layers._stacked import Stacked


class Penalised(keras.layers.Layer):
    """Runs stacked layers one after the other, and adds `strength` times a penalty on their weights to the loss.

    The penalty is computed in the weights' own precision, whatever the layers compute in. It is added at every call of this layer,
    in training and evaluation alike, and not at all if `strength` is 0.

    Args:
        layers: stacked layers of the same copies, in the order in which they are applied.
        strength: the factor of the penalty, at least 0.
        name: the layer's name.
        trainable: as in Keras.
    """

    reports_loss = True

    def __init__(self, layers: Sequence[Stacked], *, strength: float, name: str | None = None, trainable: bool = True):
        # Inputs and weights are not cast here: each layer does that as its own dtype policy says.
        super().__init__(name=name, trainable=trainable, dtype="float32", autocast=False)
        self.layers = list(checks.instance("layers", layers, (list, tuple), "a sequence of stacked layers"))
        for layer in self.layers:
            checks.instance("layers", layer, Stacked, "stacked layers such as mtlzoo.layers.stacked makes them")
        if not self.layers or len({layer.copies for layer in self.layers}) > 1:
            raise ValueError(
                f"`layers` must be at least one, all of the same copies; received {[(layer.name, layer.copies) for layer in self.layers]}."
            )
        self.strength = checks.number("strength", strength, low=0)
        self.supports_masking = True

    @property
    def copies(self) -> tuple[str, ...]:
        """Names of the copies, in the order of axis 1."""
        return self.layers[0].copies

    @property
    def slices(self) -> str | None:
        """ "tasks" if each copy of every layer serves one task alone."""
        return "tasks" if all(layer.slices == "tasks" for layer in self.layers) else None

    def build(self, input_shape):
        """Builds the layers."""
        shape = input_shape
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.build_penalty(shape)

    def build_penalty(self, output_shape):
        """Makes what the penalty needs, given the shape of the last layer's output."""

    def call(self, x):
        """Returns what the last layer gives."""
        if self.strength:
            self.add_loss(self.strength * self.penalty())
        for layer in self.layers:
            x = layer(x)
        return x

    def penalty(self):
        """Returns the penalty before its factor, a scalar in float32."""
        raise NotImplementedError

    def matched_weights(self) -> list[tuple]:
        """Returns the weights that are trained, matched over copies: a list of pairs of name and tensor [N, ...]."""
        return [pair for layer in self.layers for pair in layer.matched_weights()]

    def compute_mask(self, x, previous_mask):
        """Has nothing to say: the last layer has put its mask on what it gave."""

    def compute_output_shape(self, input_shape):
        """Returns the shape of the last layer's output."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_output_spec(self, x):
        """Returns the last layer's output as a symbolic tensor."""
        for layer in self.layers:
            x = layer.compute_output_spec(x)
        return x

    def get_config(self):
        """Returns the layers and the rest in plain types."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "strength": self.strength,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned."""
        return cls(**{**config, "layers": [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]})
