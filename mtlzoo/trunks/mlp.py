"""A dense trunk for vectors."""

from collections.abc import Sequence

from keras import layers

from mtlzoo import checks
from mtlzoo.trunks._dense import dense_stages
from mtlzoo.trunks._registry import TRUNKS
from mtlzoo.trunks._trunk import Trunk


@TRUNKS.register
def mlp(units: Sequence[int] = (64, 64), *, activation: str = "relu", batch_norm: bool = False, dropout: float = 0.0) -> Trunk:
    """A multilayer perceptron for vectors (images are flattened): one dense layer a stage.

    Args:
        units: widths of the stages.
        activation: Keras activation after each dense layer.
        batch_norm: whether each dense layer is followed by batch normalisation (momentum 0.9).
        dropout: share of features dropped after each stage, in training.

    Returns:
        A `Trunk` from [batch, ...] to vectors [batch, units[-1]], float32.

    Raises:
        ValueError, TypeError: an argument is out of bounds.

    Source: the textbook perceptron.

    >>> mlp(units=(32, 16)).names
    ('dense1', 'dense2')
    """
    units = checks.widths("units", units)
    checks.number("dropout", dropout, low=0, high=0.99)
    if not units:
        raise ValueError("`units` must name at least one stage; received none.")
    return Trunk(dense_stages(units, activation, batch_norm, dropout, first=[layers.Flatten()]))
