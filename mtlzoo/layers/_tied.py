"""`Tied`: what penalties have in common that draw the matching weights of copies together."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._penalised import Penalised
from mtlzoo.layers._stacked import Stacked


class Tied(Penalised):
    """Runs stacked layers one after the other, and adds a penalty that draws the matching weights of their copies together.

    Args:
        layers: stacked layers of the same copies, in the order in which they are applied.
        strength: the factor of the penalty, at least 0; 0 adds no loss.
        alternate: whether training alternates: the layers are moved by what is behind them alone at one call with training=True,
            and by the penalty alone at the next. Values stay the same, only gradients are held back.
        name: the layer's name.
        trainable: as in Keras.
    """

    sharing_needs_inputs = False

    def __init__(
        self,
        layers: Sequence[Stacked],
        *,
        strength: float = 0.01,
        alternate: bool = False,
        name: str | None = None,
        trainable: bool = True,
    ):
        super().__init__(layers, strength=strength, name=name, trainable=trainable)
        self.alternate = checks.instance("alternate", alternate, bool, "True or False")

    def build_penalty(self, output_shape):
        """Makes the memory of whose turn it is if there are turns: 0 what is behind the layers, 1 the penalty."""
        self.turn = None
        if self.alternate:
            # Each replica turns its own: to wait for the others here would mix up the losses that replicas add.
            self.turn = self.add_weight(name="turn", shape=(), initializer="zeros", trainable=False, autocast=False)

    def call(self, x, training=None):
        """Returns what the last layer gives."""
        turns, penalised = self.alternate and training, None
        if turns:
            turn = ops.convert_to_tensor(self.turn)
            penalised = turn > 0.5
            self.turn.assign(1 - turn)
        if self.strength:
            loss = self.strength * self.penalty()
            self.add_loss(ops.where(penalised, loss, ops.stop_gradient(loss)) if turns else loss)
        for layer in self.layers:
            x = layer(x)
        return ops.where(penalised, ops.stop_gradient(x), x) if turns else x

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: the copies."""
        return self.copies, self.copies

    def sharing(self, inputs=None):
        """Returns the cosines between the copies' trained weights, all layers taken together, [copies, copies]."""
        gram = np.zeros((len(self.copies),) * 2)
        for _, weight in self.matched_weights():
            rows = ops.convert_to_numpy(weight).astype("float64").reshape(len(self.copies), -1)
            gram += rows @ rows.T
        norms = np.sqrt(np.maximum(np.diag(gram), np.finfo("float64").tiny))
        return (gram / np.outer(norms, norms)).astype("float32")

    def get_config(self):
        """Returns the layers and the rest in plain types."""
        return {**super().get_config(), "alternate": self.alternate}
