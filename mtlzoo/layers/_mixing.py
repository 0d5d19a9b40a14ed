"""Weighted sums over axis 1, of features of any shape, as one product."""

import math

from keras import ops


def mixed(weights, x):
    """Returns Σ_e w_re · x_e, [batch, readers, ...].

    Args:
        weights: [readers, entries], or [batch, readers, entries].
        x: [batch, entries, ...].
    """
    if len(x.shape) == 3:
        return ops.matmul(weights, x)
    rest = tuple(ops.shape(x)[2:])
    flat = ops.reshape(x, (-1, x.shape[1], math.prod(rest)))
    return ops.reshape(ops.matmul(weights, flat), (-1, weights.shape[-2], *rest))
