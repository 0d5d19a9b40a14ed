"""Weighted sums over axis 1, of features of any shape."""

import math

from keras import ops


def mixed(weights, x):
    """Returns Σ_e w_re · x_e, [batch, readers, ...], as one product.

    Args:
        weights: [readers, entries], or [batch, readers, entries].
        x: [batch, entries, ...].
    """
    if len(x.shape) == 3:
        return ops.matmul(weights, x)
    rest = tuple(ops.shape(x)[2:])
    flat = ops.reshape(x, (-1, x.shape[1], math.prod(rest)))
    return ops.reshape(ops.matmul(weights, flat), (-1, weights.shape[-2], *rest))


def own_sums(weights, x):
    """Returns Σ_i w_ri · x_ri, [batch, readers, ...], where each reader has n entries of its own.

    Args:
        weights: [batch, readers, n].
        x: [batch, readers · n, ...], reader by reader.
    """
    readers, count, rest = *weights.shape[1:], tuple(ops.shape(x)[2:])
    weights = ops.reshape(weights, (-1, readers, count, *(1,) * len(rest)))
    # Sums of products were measured to be faster than many small matrix products (forward and backward, on a CPU).
    return ops.sum(weights * ops.reshape(x, (-1, readers, count, *rest)), axis=2)
