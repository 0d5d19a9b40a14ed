"""Nonnegative quadratic programmes, many at once: block principal pivoting, and an interior point method where that cycles."""

from keras import ops

from mtlzoo.balancing._gram import EPSILON, times

_SHIFT = 1e-10
_STEPS = 4
_PATIENCE = 3
_ROUNDS = 16


def nonnegative(matrix, linear):
    """Minimises ½·xᵀMx − bᵀx over x ≥ 0, for k vectors b at once.

    Block principal pivoting needs few solutions of linear equations, but may cycle if M is singular (repeated or opposed rows,
    fewer parameters than tasks). The interior point method runs only if a programme is left unsolved then.

    Args:
        matrix: M, positive semidefinite, [t, t] for all or [k, t, t], with a diagonal of order 1; float64.
        linear: b, [k, t], entries of at most order 1; float64.

    Returns:
        `(x, residual)`: [k, t], and [k], the largest of |min(x, Mx − b)| relative to the terms of Mx − b.

    Source: Kim and Park, "Fast nonnegative matrix factorization: an active-set-like method", SIAM J. Sci. Comput. 33, 2011,
    sec. 3; Nocedal and Wright, "Numerical Optimization", 2006, algorithm 16.4.
    """
    x, solved = _pivoted(matrix, linear)
    inside, slack = _interior(matrix, linear, ops.expand_dims(solved, -1))
    polished, wrong = _on(matrix, linear, inside > slack)
    polished = ops.where(ops.any(wrong, axis=-1, keepdims=True), inside, polished)
    x = ops.maximum(ops.where(ops.expand_dims(solved, -1), x, polished), 0.0)
    terms = ops.max(times(ops.abs(matrix), x) + ops.abs(linear), axis=-1)
    violation = ops.max(ops.abs(ops.minimum(x, times(matrix, x) - linear)), axis=-1)
    return x, violation / ops.maximum(terms, 1e-300)


def contains_zero(cosines, alive):
    """Says whether some mean of the rows that are alive is 0, up to the rounding of their cosines C.

    Args:
        cosines: C, [t, t], float64.
        alive: [t], bool.

    Returns:
        A boolean tensor.

    Source: Désidéri, "Multiple-gradient descent algorithm", C. R. Math. 350, 2012: the points that are Pareto-stationary.
    """
    ones = ops.cast(alive, "float64")
    found, _ = nonnegative(cosines + ops.expand_dims(ones, 0) * ops.expand_dims(ones, 1), ops.expand_dims(ones, 0))
    return is_null(cosines, found[0])


def is_null(cosines, x):
    """Says whether the rows weighed by x cancel out, up to the rounding of their cosines C."""
    size = ops.cast(ops.shape(cosines)[0], "float64")
    return ops.sum(x * times(cosines, ops.expand_dims(x, 0))[0]) <= 4 * size * EPSILON * ops.sum(x) ** 2


def solve_on(matrix, linear, free):
    """Solves Mx = b on the free entries, [k, t] bool, the others 0.

    M is shifted so that it can be singular; steps of refinement take the shift out again.
    """
    kept = ops.cast(free, "float64")
    masked = matrix * ops.expand_dims(kept, -1) * ops.expand_dims(kept, -2)
    eye = ops.eye(ops.shape(linear)[-1], dtype="float64")
    inverse = ops.linalg.inv(masked + eye * ops.expand_dims(1.0 - kept + _SHIFT, -1))
    x = kept * times(inverse, kept * linear)
    for _ in range(_STEPS):
        x = x + kept * times(inverse, kept * (linear - times(matrix, x)))
    return x


def _on(matrix, linear, free):
    """The same, and which entries then have the wrong sign, in x or in Mx − b."""
    x = solve_on(matrix, linear, free)
    slack = times(matrix, x) - linear
    noise = 32 * EPSILON * (times(ops.abs(matrix), ops.abs(x)) + ops.abs(linear))
    return x, ops.where(free, x < 0, slack < -noise)


def _pivoted(matrix, linear):
    """Exchanges all entries of the wrong sign at once; after three rounds without progress only the last one (Murty's rule)."""
    size = ops.shape(linear)[-1]
    order = ops.arange(size)

    def pivot(free, x, fewest, patience, count):
        x, wrong = _on(matrix, linear, free)
        count = ops.sum(ops.cast(wrong, "int32"), axis=-1)
        better = count < fewest
        wholly = ops.expand_dims(ops.logical_or(better, patience > 0), -1)
        last = ops.max(ops.where(wrong, order, -1), axis=-1, keepdims=True)
        wrong = ops.logical_and(wrong, ops.logical_or(wholly, order == last))
        patience = ops.where(better, _PATIENCE, ops.maximum(patience - 1, 0))
        return ops.logical_xor(free, wrong), x, ops.minimum(fewest, count), patience, count

    start = linear > 0
    count = ops.sum(ops.cast(start, "int32"), axis=-1)
    state = (start, ops.zeros_like(linear), count * 0 + size + 1, count * 0 + _PATIENCE, count)
    state = ops.while_loop(lambda *state: ops.any(state[-1] > 0), pivot, state, maximum_iterations=_ROUNDS)
    return state[1], state[-1] == 0


def _interior(matrix, linear, skip):
    """Mehrotra's predictor and corrector with M shifted, down to the order of rounding; returns x > 0 and its slack > 0."""
    size = ops.shape(linear)[-1]
    eye = ops.eye(size, dtype="float64")
    matrix = matrix + eye * (0.01 * _SHIFT)

    def longest(value, step):
        return ops.min(ops.where(step < 0, -value / ops.where(step < 0, step, -1.0), 1e300), axis=-1, keepdims=True)

    def improve(x, slack, gap, going):
        inverse = ops.linalg.inv(matrix + eye * ops.expand_dims(slack / x, -1))
        missing = slack + linear - times(matrix, x)

        def steps(target):
            step = times(inverse, missing + target / x - slack)
            return step, (target - slack * step) / x - slack

        first, second = steps(ops.zeros_like(x))
        part = ops.minimum(1.0, ops.minimum(longest(x, first), longest(slack, second)))
        after = ops.mean((x + part * first) * (slack + part * second), axis=-1, keepdims=True)
        first, second = steps((after / gap) ** 3 * gap - first * second)
        part = ops.minimum(1.0, 0.995 * ops.minimum(longest(x, first), longest(slack, second)))
        new_x, new_slack = x + part * first, slack + part * second
        new_gap = ops.mean(new_x * new_slack, axis=-1, keepdims=True)
        going = ops.logical_and(going, ops.logical_and(gap > 1e-26, ops.logical_or(new_gap < gap, gap > 1e-12)))
        return ops.where(going, new_x, x), ops.where(going, new_slack, slack), ops.where(going, new_gap, gap), going

    x = ops.ones_like(linear)
    slack = ops.maximum(times(matrix, x) - linear, 1.0)
    state = (x, slack, ops.mean(x * slack, axis=-1, keepdims=True), ops.logical_not(skip))
    return ops.while_loop(lambda *state: ops.any(state[-1]), improve, state, maximum_iterations=60)[:2]
