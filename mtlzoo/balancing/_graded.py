"""G^(−½) and the eigenvalues of a Gram matrix to high relative accuracy, however unlike its rows are.

An eigendecomposition of G = D·C·D knows its small eigenvalues only up to rounding of the large ones, so that it loses a task whose
gradient is 1e-8 of another's. Here C is factored with pivots in the order of what is left of G, so that G = FFᵀ with
F = D·L = Q·R·Δ, Q orthogonal, R well conditioned whenever C is, and all scales in the diagonal Δ, which is divided out exactly.
"""

from keras import ops

from mtlzoo.balancing._unit_rows import RANK

_ROUNDS = 40


def factor(cosines, norms):
    """Factors C = LLᵀ, with pivots by what is left of D·C·D.

    Args:
        cosines: C, [t, t], float64.
        norms: the diagonal of D, [t], at most 1.

    Returns:
        L [t, t], its columns after the rank of C being 0, and Δ [t], the length in D·L of the pivot of each column, likewise.
    """
    tasks = ops.shape(cosines)[0]

    def eliminate(step, left, factors, lengths):
        diagonal = ops.diagonal(left)
        score = ops.where(diagonal > RANK, norms**2 * diagonal, -1.0)
        pivot = ops.one_hot(ops.argmax(score), tasks, dtype="float64")
        real = ops.max(score) > 0
        height = ops.sqrt(ops.where(real, ops.sum(pivot * diagonal), 1.0))
        column = ops.where(real, ops.sum(left * pivot, axis=1) / height, 0.0)
        place = ops.one_hot(step, tasks, dtype="float64")
        left = (left - column[:, None] * column[None, :]) * (1.0 - pivot[:, None]) * (1.0 - pivot[None, :])
        length = ops.where(real, ops.sum(norms * pivot) * height, 0.0)
        return step + 1, left, factors + column[:, None] * place, lengths + length * place

    start = (0, cosines, ops.zeros_like(cosines), ops.zeros_like(norms))
    _, _, factors, lengths = ops.while_loop(lambda step, *_: step < tasks, eliminate, start)
    return factors, lengths


def orthogonal(factors, lengths):
    """Splits F = Q·R·Δ, with R of full rank: columns of F that are 0 are those of the unit matrix in R, and 0 in Q.

    Args:
        factors: F·Δ⁻¹, [t, t], with zero columns at its end.
        lengths: Δ, [t], 0 for these columns.

    Returns:
        Q and R, [t, t].
    """
    real = ops.cast(lengths > 0, "float64")
    q, r = ops.qr(factors)
    return q * real, r * real[:, None] * real + ops.diag(1.0 - real)


def polar(matrix):
    """Returns the orthogonal factor of a matrix [t, t] whose columns may be of any lengths, and how far it is from orthogonal.

    Newton's iteration X ← (μX + X⁻ᵀ/μ)/2 keeps the accuracy of each column, since lengths are divided out before each inversion.
    """
    eye = ops.eye(ops.shape(matrix)[0], dtype="float64")

    def improve(step, x, change):
        columns = ops.sqrt(ops.sum(x**2, axis=0))
        inverse = ops.transpose(ops.inv(x / columns) / columns[:, None])
        scale = ops.where(change < 1e-2, 1.0, ops.sqrt(ops.norm(inverse) / ops.norm(x)))
        new = 0.5 * (scale * x + inverse / scale)
        return step + 1, new, ops.norm(new - x) / ops.norm(new)

    _, x, _ = ops.while_loop(
        lambda step, x, change: ops.logical_and(step < _ROUNDS, change > 1e-14), improve, (0, matrix, ops.ones((), dtype="float64"))
    )
    return x, ops.max(ops.abs(ops.matmul(ops.transpose(x), x) - eye))


def spectrum(triangle, lengths):
    """Returns the singular values of R·Δ [t], the largest first and 0 after the rank, each to its own accuracy."""
    real = ops.cast(lengths > 0, "float64")
    safe = ops.where(lengths > 0, lengths, 1.0)
    rank = ops.sum(ops.cast(real, "int32"))
    large = ops.svd(triangle * lengths, compute_uv=False)
    small = ops.svd(ops.inv(triangle) * (real / safe)[:, None], compute_uv=False)
    places = ops.arange(ops.shape(lengths)[0])
    turned = ops.take(small, ops.clip(rank - 1 - places, 0, ops.shape(lengths)[0] - 1))
    turned = 1.0 / ops.where(turned > 0, turned, 1.0)
    # Large ones are exact in R·Δ, small ones in its inverse; they meet in the geometric middle.
    values = ops.where(large**2 * small[0] > large[0], large, turned)
    return ops.where(places < rank, values, 0.0), rank
