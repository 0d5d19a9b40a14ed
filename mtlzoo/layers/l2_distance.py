"""`L2Distance`: stacked layers whose copies are drawn to each other."""

import keras
from keras import ops

from mtlzoo.layers._tied import Tied


@keras.saving.register_keras_serializable(package="mtlzoo")
class L2Distance(Tied):
    """Runs stacked layers, and adds strength·Σ_{i<j} ‖θ_i − θ_j‖² to the loss, over all pairs of copies and all trained weights.

    Args:
        layers: stacked layers of the same copies, in the order in which they are applied.
        strength: the factor of the penalty, at least 0; 0 adds no loss.
        alternate: whether training alternates: the layers are moved by what is behind them alone at one call with training=True,
            and by the penalty alone at the next. Values stay the same, only gradients are held back.
        name: the layer's name.
        trainable: as in Keras.

    Input as the first layer reads it, [batch, N or 1, ...]; output as the last one gives it. The weights are those of the layers, and
    with `alternate` a number `turn`, which says whose turn the next call is.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Duong et al., "Low resource dependency parsing: Cross-lingual parameter sharing in a neural network parser", ACL 2015.

    >>> from mtlzoo.layers import StackedDense
    >>> dense = StackedDense(keras.layers.Dense(2), ("a", "b"))
    >>> layer = L2Distance([dense], strength=0.5)
    >>> layer.build((None, 1, 3))
    >>> dense.set_copy_weights("a", [ops.ones((3, 2)), ops.zeros(2)])
    >>> dense.set_copy_weights("b", [-ops.ones((3, 2)), ops.zeros(2)])
    >>> _ = layer(ops.ones((5, 1, 3)))
    >>> [float(loss) for loss in layer.losses] == [0.5 * 6 * 2**2], layer.sharing().tolist()
    (True, [[1.0, -1.0], [-1.0, 1.0]])
    """

    def penalty(self):
        """Returns Σ_{i<j} ‖θ_i − θ_j‖² as N·Σ_i ‖θ_i − mean‖², which is the same."""
        total = ops.zeros((), dtype="float32")
        for _, weight in self.matched_weights():
            weight = ops.cast(weight, "float32")
            total += ops.sum(ops.square(weight - ops.mean(weight, axis=0, keepdims=True)))
        return len(self.copies) * total
