"""Scaled dot-product attention, whose weights can be read."""

import math

from keras import ops


def weights(queries, keys, allowed=None):
    """Returns softmax(QKᵀ/√width) in float32, 0 where it is not allowed.

    Args:
        queries: [..., readers, width].
        keys: [..., read, width].
        allowed: what may be read by whom, a boolean tensor that broadcasts to [..., readers, read]; None for all by all.

    Returns:
        A tensor [..., readers, read] whose rows sum to 1.
    """
    scores = ops.cast(ops.matmul(queries, ops.swapaxes(keys, -1, -2)), "float32") / math.sqrt(queries.shape[-1])
    if allowed is not None:
        # Finite, so that a reader of nothing is not NaN but reads all alike.
        scores = ops.where(allowed, scores, -1e30)
    return ops.softmax(scores, axis=-1)
