"""The registry of trunks, and how a builder's `trunk` argument is read."""

import keras

from mtlzoo import checks
from mtlzoo.registry import Registry
from mtlzoo.trunks._trunk import Trunk

TRUNKS = Registry("trunk")
names, describe = TRUNKS.names, TRUNKS.describe


def get(identifier) -> Trunk:
    """Returns the trunk for a name, a `Trunk`, or a Keras layer or model.

    Args:
        identifier: a registered name such as `"cnn"` (built with its defaults), a `Trunk`, or a Keras layer or model,
            which becomes a trunk of one stage.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: the name is unknown.
        TypeError: `identifier` is none of these.

    Source: `keras.layers.get`-like look-up by identifier.

    >>> get("cnn").names
    ('conv1', 'conv2')
    """
    if isinstance(identifier, Trunk):
        return identifier
    if isinstance(identifier, keras.layers.Layer):
        return Trunk({"trunk": identifier})
    checks.instance("trunk", identifier, str, "a name, a mtlzoo.trunks.Trunk, or a Keras layer or model")
    return TRUNKS.get(identifier)()


def default(shape) -> Trunk:
    """Returns the small default trunk for inputs of a shape: `cnn` for images, `mlp` for vectors.

    Args:
        shape: the shape of one input, without the batch.

    Returns:
        A `Trunk`.

    Raises:
        ValueError: the shape is neither (height, width, channels) nor (features,).

    >>> default((28, 28, 1)).names, default((16,)).names
    (('conv1', 'conv2'), ('dense1', 'dense2'))
    """
    if len(shape) in (1, 3):
        return TRUNKS.get("mlp" if len(shape) == 1 else "cnn")()
    raise ValueError(f"`trunk` must be given for inputs of shape {tuple(shape)}: defaults exist for images (3 axes) and vectors (1 axis).")
