"""The Gram matrix of task gradients brought to unit length, on which methods work at any scale of tasks and rows."""

from keras import ops

from mtlzoo.balancing import _noise

# Eigenvalues of the cosines below this share of the largest are rounding: the rows are linearly dependent.
RANK = 1e-13


def unit_rows(gram):
    """Returns what task gradients g_i = n_i·u_i are at unit length.

    Args:
        gram: [t, t], float64.

    Returns:
        The cosines u_iᵀu_j [t, t] (rows and columns of zero gradients are 0), the norms n [t], and 1/n [t] (0 for 0).
    """
    norms = ops.sqrt(ops.maximum(ops.diagonal(gram), 0.0))
    inverse = ops.where(norms > 0, 1.0 / ops.where(norms > 0, norms, 1.0), 0.0)
    cosines = ops.clip(gram * inverse[:, None] * inverse[None, :], -1.0, 1.0)
    return cosines - ops.diag(ops.diagonal(cosines)) + ops.diag(ops.where(norms > 0, 1.0, ops.zeros_like(norms))), norms, inverse


def eigen(cosines):
    """Returns eigenvalues, eigenvectors, and which of them are more than rounding."""
    values, vectors = ops.eigh((cosines + ops.transpose(cosines)) / 2)
    return values, vectors, values > RANK * ops.max(values)


def equal_projections(cosines):
    """Solves u_iᵀd = 1 for d = Σ a_i·u_i in the sense of least squares: a = C⁺·1, the shortest where rows are dependent.

    Returns:
        The coefficients a [t], and u_iᵀd [t]; all 0 where no direction has a positive projection on average (opposed rows).
    """
    values, vectors, kept = eigen(cosines)
    ones = ops.diagonal(cosines)
    parts = ops.where(kept, ops.matmul(ops.transpose(vectors), ones[:, None])[:, 0], 0.0)
    # The length of what the rows can reach of 1: rounding if rows only oppose each other.
    parts = ops.where(ops.sum(parts**2) > 1e-24 * ops.sum(ones), parts, ops.zeros_like(parts))
    solved = ops.matmul(vectors, (parts / ops.where(kept, values, 1.0))[:, None])[:, 0]
    return solved, ops.matmul(vectors, parts[:, None])[:, 0]


def orders(tasks, seed, steps):
    """Draws, for each of t tasks, a random order of the others: [t, t − 1], a function of seed and step."""
    keys = ops.reshape(_noise.uniform(tasks * tasks, seed, steps), (tasks, tasks))
    return ops.argsort(keys + 2.0 * ops.eye(tasks, dtype="float64"), axis=1)[:, : tasks - 1]


def one_by_one(change, start, order):
    """Applies `change(rows, against, state)` for each column `against` [t] of the orders; `rows` [t, t] holds coefficients of unit rows.

    Args:
        change: returns new rows and new state.
        start: a pair (rows, state) of tensors.
        order: [t, t − 1].

    Returns:
        The pair after the last column.
    """

    def body(step, rows, state):
        return (step + 1, *change(rows, ops.take(order, step, axis=1), state))

    steps = ops.shape(order)[1]
    _, rows, state = ops.while_loop(lambda step, rows, state: step < steps, body, (0, *start))
    return rows, state


def combine(rows, norms, inverse):
    """Returns the weights [t] of Σ_i n_i·v_i, where v_i = Σ_k rows[i, k]·u_k; zero gradients get weight 1."""
    return ops.where(norms > 0, ops.sum(rows * norms[:, None], axis=0) * inverse, 1.0)


def impartial(gram):
    """Returns the weights [t] of IMTL-G: equal projections on all gradients, Σw = 1; NaN if there are none, 1/t if all are 0."""
    cosines, norms, inverse = unit_rows(gram)
    solved, reached = equal_projections(cosines)
    solved = ops.where(ops.any(reached != 0), solved, ops.diagonal(cosines)) * inverse
    total = ops.sum(solved)
    real = ops.abs(total) > 1e-14 * ops.sum(ops.abs(solved))
    weights = ops.where(real, solved / ops.where(real, total, 1.0), float("nan"))
    return ops.where(ops.any(norms > 0), weights, ops.ones_like(norms) / ops.cast(ops.shape(norms)[0], "float64"))
