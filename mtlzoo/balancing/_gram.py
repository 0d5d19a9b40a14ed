"""What the solvers share: a Gram matrix in units of its rows, and weights that are NaN if they do not solve their problem."""

from keras import ops

EPSILON = 2.220446049250313e-16


def unit(gram, floor=0.0):
    """Splits G = D·C·D into the row norms and the matrix of cosines, so that what follows knows no scale.

    Args:
        gram: [t, t], float64.
        floor: eigenvalues of C below it are raised to it; rounding alone makes some of them negative.

    Returns:
        `(norms, cosines, alive)`: [t]; [t, t], with a row of the unit matrix for a zero row; [t] bool, False for a zero row.
    """
    finite = ops.all(ops.isfinite(gram))
    squares = ops.diagonal(gram)
    alive = ops.logical_and(squares > 0, finite)
    norms = ops.sqrt(ops.where(alive, squares, 0.0))
    divisors = ops.where(alive, norms, 1.0)
    both = ops.logical_and(ops.expand_dims(alive, 0), ops.expand_dims(alive, 1))
    cosines = ops.where(both, gram / ops.expand_dims(divisors, 0) / ops.expand_dims(divisors, 1), 0.0)
    eye = ops.eye(ops.shape(gram)[0], dtype="float64")
    cosines = ops.clip(0.5 * (cosines + ops.transpose(cosines)), -1.0, 1.0) * (1.0 - eye) + eye
    values, vectors = ops.linalg.eigh(cosines)
    cosines = cosines + ops.matmul(vectors * ops.maximum(floor - values, 0.0), ops.transpose(vectors))
    return ops.where(finite, norms, float("nan")), cosines, alive


def times(matrix, vectors):
    """Multiplies a matrix [t, t], or one a vector [k, t, t], with vectors [k, t]."""
    if len(matrix.shape) == 2:
        return ops.matmul(vectors, ops.transpose(matrix))
    return ops.squeeze(ops.matmul(matrix, ops.expand_dims(vectors, -1)), -1)


def checked(weights, residual, allowed=1e-9):
    """Returns the weights, or NaN in their place if the residual is too large, which stops the training by name."""
    return ops.where(residual <= allowed, weights, float("nan"))
