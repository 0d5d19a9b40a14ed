"""A small convolutional trunk for images."""

from collections.abc import Sequence

from keras import layers

from mtlzoo import checks
from mtlzoo.trunks._norm import batch_normalization
from mtlzoo.trunks._registry import TRUNKS
from mtlzoo.trunks._trunk import Trunk


@TRUNKS.register
def cnn(
    filters: Sequence[int] = (32, 64),
    *,
    kernel: int = 3,
    pool: int = 2,
    dense: Sequence[int] = (),
    padding: str = "same",
    activation: str = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> Trunk:
    """A small CNN for images: Conv–pool a stage, flattened, then dense layers if asked for.

    Args:
        filters: channels of each convolutional stage.
        kernel: side of the square kernels, in pixels.
        pool: side of the max pooling after each convolution, in pixels; 1 for none.
        dense: widths of dense stages after flattening.
        padding: "same" or "valid", of the convolutions.
        activation: Keras activation after each convolution and dense layer.
        batch_norm: whether each convolution is followed by batch normalisation (momentum 0.9).
        dropout: share of features dropped after flattening and after each dense layer, in training.

    Returns:
        A `Trunk` from images [batch, height, width, channels] to vectors [batch, features], float32.

    Raises:
        ValueError, TypeError: an argument is out of bounds.

    Source: the usual small CNN of Keras' MNIST example (Conv 3×3×32, pool, Conv 3×3×64, pool, flatten).

    >>> cnn(filters=(16, 32), dense=(64,)).names
    ('conv1', 'conv2', 'dense1')
    """
    filters, dense = checks.widths("filters", filters), checks.widths("dense", dense)
    checks.integer("kernel", kernel, low=1)
    checks.integer("pool", pool, low=1)
    checks.one_of("padding", padding, ["same", "valid"])
    checks.number("dropout", dropout, low=0, high=0.99)
    if not filters:
        raise ValueError("`filters` must name at least one stage; received none.")
    stages = {}
    for index, width in enumerate(filters, start=1):
        stages[f"conv{index}"] = [layers.Conv2D(width, kernel, padding=padding, activation=None if batch_norm else activation)]
        if batch_norm:
            stages[f"conv{index}"] += [batch_normalization(), layers.Activation(activation)]
        if pool > 1:
            stages[f"conv{index}"].append(layers.MaxPooling2D(pool))
    stages[f"conv{len(filters)}"] += [layers.Flatten(), *_dropout(dropout)]
    for index, width in enumerate(dense, start=1):
        stages[f"dense{index}"] = [layers.Dense(width, activation=activation), *_dropout(dropout)]
    return Trunk(stages)


def _dropout(share):
    return [layers.Dropout(share)] if share else []
