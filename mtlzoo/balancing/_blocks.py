"""Task gradients in blocks, [T, size] a shared variable: sums over all blocks in float64, one block after the other."""

from keras import ops

from mtlzoo.balancing import _masked


def column(values, block):
    """Returns numbers [T] as [T, 1] in the block's type, to multiply its rows."""
    return ops.expand_dims(_masked.like(values, block), -1)


def choose(present, block, other):
    """Returns the block's rows of the tasks that are present, and the other's rows for the rest."""
    return ops.where(ops.expand_dims(present, -1), block, ops.cast(other, block.dtype))


def norms(blocks):
    """Returns the length of each task's gradient, [T]."""
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(block, "float64")), axis=1) for block in blocks))


def gram(blocks):
    """Returns the Gram matrix [T, T] of the task gradients."""
    return sum(_product(ops.cast(block, "float64")) for block in blocks)


def _product(rows):
    return ops.matmul(rows, ops.transpose(rows))
