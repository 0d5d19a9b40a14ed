"""The nuclear norm of a matrix, with a gradient that is finite for every matrix."""

from keras import ops

# Singular values below 3e-7 of the largest are what rounding leaves in float32; they count as zero.
_LEAST = 1e-13


def nuclear_norm(matrix):
    """Returns the sum of the singular values of a matrix [rows, columns], a scalar in float32.

    Its gradient is U·Vᵀ over the singular values that are not zero, the subgradient of least norm: it exists where the gradient of a
    singular value decomposition does not, with values that are equal or zero. It comes from the eigenvalues of the smaller of M·Mᵀ
    and Mᵀ·M in float64: with M·Mᵀ = E·diag(s²)·Eᵀ it is E·diag(1/s)·Eᵀ·M.

    Args:
        matrix: a tensor with two axes.

    Source: the subdifferential of the nuclear norm, Watson, "Characterization of the subdifferential of some matrix norms", 1992.
    """
    if matrix.shape[0] > matrix.shape[1]:
        matrix = ops.transpose(matrix)
    wide = ops.stop_gradient(ops.cast(matrix, "float64"))
    squares, vectors = ops.eigh(ops.matmul(wide, ops.transpose(wide)))
    kept = ops.logical_and(squares > 0, squares > _LEAST * squares[-1])
    roots = ops.sqrt(ops.where(kept, squares, 1.0))
    inverse, roots = ops.where(kept, 1 / roots, 0.0), ops.where(kept, roots, 0.0)
    gradient = ops.matmul(vectors * inverse, ops.matmul(ops.transpose(vectors), wide))
    slope = ops.sum(ops.stop_gradient(ops.cast(gradient, "float32")) * ops.cast(matrix, "float32"))
    return ops.stop_gradient(ops.cast(ops.sum(roots), "float32")) + slope - ops.stop_gradient(slope)
