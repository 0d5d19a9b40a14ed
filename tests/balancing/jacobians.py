"""Jacobians that are hard to balance, and slow exact means to judge solvers by."""

import itertools

import numpy as np
import scipy.optimize
import tensorflow as tf

KINDS = ["plain", "common", "parallel", "opposed", "repeated", "short", "zero"]


def rows(kind, count, rng):
    """Unit rows [count, d]: random; near a common direction; nearly parallel or opposed; some equal or exactly opposed; d < count."""
    drawn = rng.normal(size=(count, max(1, count // 2) if kind == "short" else 2 * count + 1))
    if kind == "common":
        drawn += 2 * rng.normal(size=drawn.shape[1])
    if kind in ("parallel", "opposed"):
        drawn = rng.normal(size=drawn.shape[1]) * (rng.choice([-1, 1], size=(count, 1)) if kind == "opposed" else 1) + 1e-3 * drawn
    if kind == "repeated":
        drawn = drawn[rng.integers(0, max(1, count - 1), size=count)] * rng.choice([1, 1, -1], size=(count, 1))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    if kind == "zero":
        drawn[rng.integers(count)] = 0.0
    return drawn


def scaled(unit, rng, decades=6, whole=1.0):
    """The same rows with norms that span 10^-decades to 10^decades, times `whole`."""
    return unit * 10.0 ** rng.uniform(-decades, decades, size=(len(unit), 1)) * whole


def nonnegative_least_squares(matrix, target):
    """argmin ‖matrix·x − target‖ over x ≥ 0: all supports are tried up to 6 columns, SciPy's active set above."""
    count = matrix.shape[1]
    if count > 6:
        return scipy.optimize.nnls(matrix, target, maxiter=100 * count)[0]
    best, least = np.zeros(count), np.linalg.norm(target)
    for size in range(1, count + 1):
        for support in map(list, itertools.combinations(range(count), size)):
            x = np.linalg.lstsq(matrix[:, support], target, rcond=1e-13)[0]
            error = np.linalg.norm(matrix[:, support] @ x - target)
            if np.all(x >= -1e-13) and error < least * (1 - 1e-14):
                best, least = np.zeros(count), error
                best[support] = np.maximum(x, 0)
    return best


def compiled(balancer):
    """The balancer's `solve` in a graph of its own for any number of tasks, as a function of NumPy's J [t, d] and losses [t]."""
    vector, matrix = tf.TensorSpec([None], "float64"), tf.TensorSpec([None, None], "float64")
    solve = tf.function(balancer.solve, input_signature=[matrix, vector])

    def weights(jacobian, losses=None):
        losses = np.ones(len(jacobian)) if losses is None else np.asarray(losses, "float64")
        return solve(jacobian @ jacobian.T, losses).numpy()

    return weights


def grid(kind, rng, counts=(1, 2, 3, 5, 20)):
    """Jacobians of one kind, with row norms that span up to 12 decades, at the scales 1e-12, 1 and 1e12."""
    for count, decades, whole in itertools.product(counts, (0, 2, 6), (1e-12, 1.0, 1e12)):
        yield scaled(rows(kind, count, rng), rng, decades, whole)


def in_units(jacobian):
    """Row norms [t], and the rows divided by them; zero rows stay."""
    norms = np.linalg.norm(jacobian, axis=1)
    return norms, jacobian / np.where(norms > 0, norms, 1.0)[:, None]


def least_cosine(jacobian, direction):
    """The least of g_i·d / (‖g_i‖·‖d‖) over the rows that are not 0."""
    norms, unit = in_units(jacobian)
    return np.min(unit[norms > 0] @ direction) / np.linalg.norm(direction)


def fair(jacobian, power, weights):
    """The w > 0 with J·Jᵀ·w = w^(−power), by Newton's method on J in extended precision, started anywhere; and Jᵀw.

    The equation is the gradient of a strictly convex function, so there is one solution only.
    """
    extended = np.asarray(jacobian, np.longdouble)
    norms = np.sqrt(np.sum(extended**2, axis=1))
    unit, power = extended / norms[:, None], np.longdouble(power)
    lengths = weights * norms
    for _ in range(60):
        gains = lengths ** (-power) * norms ** (power - 1)
        system = unit @ unit.T + np.diag(power * gains / lengths)
        scale = 1 / np.sqrt(np.diag(system))
        right = scale * (gains - unit @ (unit.T @ lengths))
        step = scale * np.linalg.solve((system * scale[:, None] * scale).astype("float64"), right.astype("float64"))
        relative = np.max(np.abs(step / lengths))
        lengths = lengths + step * min(1, 0.5 / max(relative, 1e-30))
        if relative < 1e-17:
            break
    # Rounding ends the steps between 1e-15 and 2e-14, by processor; what is judged by this is judged at 1e-7.
    assert relative < 1e-13
    return lengths / norms, lengths @ unit
