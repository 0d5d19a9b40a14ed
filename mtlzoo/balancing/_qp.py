"""Nonnegative quadratic programmes, many at once: block principal pivoting, and an interior point method where that cycles."""

from keras import ops

from mtlzoo.balancing._gram import EPSILON

_SHIFT = 1e-10
_STEPS = 3
_PATIENCE = 3
_ROUNDS = 16


def nonnegative(matrix, linear):
    """Minimises ½·xᵀMx − bᵀx over x ≥ 0, for k vectors b at once.

    Block principal pivoting exchanges all entries of the wrong sign at once and needs few solutions of linear equations, but may
    cycle if M is singular (repeated or opposed rows, fewer parameters than tasks). More careful ones, and the interior point
    method, run only if a programme is left unsolved then.

    Args:
        matrix: M, positive semidefinite, [t, t], with a diagonal of order 1; float64.
        linear: b, [k, t], entries of at most order 1; float64.

    Returns:
        `(x, residual)`: [k, t], and [k], the largest of |min(x, Mx − b)| relative to the terms of Mx − b.

    Source: Kim and Park, "Fast nonnegative matrix factorization: an active-set-like method", SIAM J. Sci. Comput. 33, 2011,
    sec. 3; Nocedal and Wright, "Numerical Optimization", 2006, algorithm 16.4.
    """
    one = linear.shape[0] == 1

    def exchange(free, x, slack, noise, left):
        if one:
            x, slack, noise, wrong = _on(matrix, linear, free)
            return ops.logical_xor(free, wrong), x, slack, noise, ops.any(wrong, axis=-1)
        rows = ops.nonzero(left)[0]
        chosen = ops.take(free, rows, axis=0)
        *found, wrong = _on(matrix, ops.take(linear, rows, axis=0), chosen)
        news = ops.logical_xor(chosen, wrong), *found, ops.any(wrong, axis=-1)
        olds = free, x, slack, noise, left
        return tuple(ops.scatter_update(old, rows[:, None], new) for old, new in zip(olds, news, strict=True))

    pulled = linear > 0
    start = (pulled if one else _roughly(matrix, linear) > 0, 0.0 * linear, -linear, ops.abs(linear), ops.any(pulled, axis=-1))
    _, x, slack, noise, left = ops.while_loop(lambda *state: ops.any(state[-1]), exchange, start, maximum_iterations=_ROUNDS)

    def carefully():
        better = _finished(matrix, linear, x, left)
        return better, violation(matrix, linear, better)

    def violated():
        positive = ops.maximum(x, 0.0)
        terms = ops.max(noise, axis=-1) / (32 * EPSILON)
        return positive, ops.max(ops.abs(ops.minimum(positive, slack)), axis=-1) / ops.maximum(terms, 1e-300)

    return ops.cond(ops.any(left), carefully, violated)


def violation(matrix, linear, x):
    """Returns the largest of |min(x, Mx − b)| relative to the terms of Mx − b, [k]."""
    terms = ops.max(ops.matmul(ops.abs(x), ops.abs(matrix)) + ops.abs(linear), axis=-1)
    return ops.max(ops.abs(ops.minimum(x, ops.matmul(x, matrix) - linear)), axis=-1) / ops.maximum(terms, 1e-300)


def shortest(cosines, lengths, alive):
    """Finds the shortest mean of rows g_i by min xᵀCx + (aᵀx − 1)² over x ≥ 0, a_i = 1/‖g_i‖: the weights are x_i·a_i over their sum.

    Whether 0 is such a mean is asked of the unit rows: with a alone, 0 would drown in rounding if it is a mean of rows that are
    much longer than others. That programme is solved only where the first does not show a direction that serves all rows.

    Args:
        cosines: C, [t, t], float64.
        lengths: a, [t], at most 1, 0 for rows that take no part.
        alive: [t], bool, which rows take part.

    Returns:
        `(x, residual)`: [t], and its residual; where 0 is a mean of the rows, x are its weights for unit rows.

    Source: Désidéri, "Multiple-gradient descent algorithm", C. R. Math. 350, 2012.
    """
    x, residual, served, _ = outward(cosines, lengths, alive)

    def of_units():
        ones = ops.cast(alive, "float64")
        means, error = nonnegative(cosines + ones[:, None] * ones, ones[None])
        opposed = is_null(cosines, means[0])
        return ops.where(opposed, means[0], x), ops.where(opposed, error[0], residual)

    return ops.cond(served, lambda: (x, residual), of_units)


def outward(cosines, lengths, alive):
    """Solves the first programme of `shortest`; returns x, its residual, whether Σ x_i·u_i serves all rows for sure, and its square."""
    found, residual = nonnegative(cosines + lengths[:, None] * lengths, lengths[None])
    gains = ops.matmul(found, cosines)[0]
    square = ops.maximum(ops.sum(found[0] * gains), 0.0)
    return found[0], residual[0], ops.min(ops.where(alive, gains, 1.0)) > 1e-6 * ops.sqrt(square), square


def is_null(cosines, x):
    """Says whether the unit rows weighed by x cancel out, up to the rounding of their cosines C."""
    size = ops.cast(ops.shape(cosines)[0], "float64")
    return ops.sum(x * ops.matmul(x[None], cosines)[0]) <= 4 * size * EPSILON * ops.sum(x) ** 2


def solve_on(matrix, linear, free):
    """Solves Mx = b on the free entries, [k, t] bool or one row for all, the others 0.

    M is shifted so that it can be singular; steps of refinement take the shift out again: one, and more where it leaves something.

    Returns:
        `(x, slack, noise)`: x, Mx − b, and what of it may be rounding, [k, t].
    """
    apply = _inverse(matrix, free)

    def change(x):
        return apply(ops.where(free, linear - ops.matmul(x, matrix), 0.0))

    def more(x):
        for _ in range(_STEPS):
            x = x + change(x)
        return x

    first = apply(ops.where(free, linear, 0.0))
    second = change(first)
    # Each step leaves at least the share of the error by which it changed x.
    rough = ops.any(ops.max(ops.abs(second), axis=-1) > 1e-8 * ops.max(ops.abs(first), axis=-1))
    x = ops.cond(rough, lambda: more(first + second), lambda: first + second)
    return x, ops.matmul(x, matrix) - linear, 32 * EPSILON * (ops.matmul(ops.abs(x), ops.abs(matrix)) + ops.abs(linear))


def _inverse(matrix, free):
    """Returns a function that solves (M + shift)·x = b on the free entries; what is not free passes as it is."""
    if free.shape[0] == 1:
        masked = ops.where(ops.logical_and(free, ops.transpose(free)), matrix, 0.0)
        inverse = ops.inv(masked + ops.diag(ops.where(free[0], _SHIFT, ops.ones_like(masked[0]))))
        return lambda right: ops.matmul(right, inverse)
    eye = ops.eye(ops.shape(matrix)[0], dtype="float64")
    both = ops.logical_and(ops.expand_dims(free, 1), ops.expand_dims(free, 2))
    lower = ops.cholesky(ops.where(both, matrix + _SHIFT * eye, eye))
    upper = ops.transpose(lower, (0, 2, 1))
    return lambda right: ops.solve_triangular(upper, ops.solve_triangular(lower, right, lower=True))


def _on(matrix, linear, free):
    """The solution on the free entries as in `solve_on`, and which entries then have the wrong sign, in x or in Mx − b."""
    x, slack, noise = solve_on(matrix, linear, free)
    return x, slack, noise, ops.where(free, x < 0, slack < -noise)


def _roughly(matrix, linear):
    """Accelerated projected gradient steps, the more the larger the programmes: one costs little where an exchange costs much."""
    steps = ops.minimum(ops.shape(linear)[-1] // 4, 16)
    scale = ops.sum(ops.abs(matrix), axis=0)

    def descend(step, x, ahead):
        new = ops.maximum(ahead - (ops.matmul(ahead, matrix) - linear) / scale, 0.0)
        pace = ops.cast(step, "float64") / (ops.cast(step, "float64") + 3.0)
        return step + 1, new, new + pace * (new - x)

    start = ops.maximum(linear, 0.0)
    return ops.while_loop(lambda step, *_: step < steps, descend, (0, start, start))[1]


def _finished(matrix, linear, x, left):
    """Solves the programmes that are left: by more careful exchanges, or inside and by exchanges from the entries found positive."""
    rows = ops.nonzero(left)[0]
    chosen = ops.take(linear, rows, axis=0)
    found, unsolved = _carefully(matrix, chosen)
    inside, slack = _interior(matrix, chosen, unsolved)

    def exchange(free, x, going):
        x, _, _, wrong = _on(matrix, chosen, free)
        return ops.logical_xor(free, wrong), x, ops.any(wrong, axis=-1, keepdims=True)

    start = (inside > slack, inside, unsolved)
    _, polished, going = ops.while_loop(lambda *state: ops.any(state[-1]), exchange, start, maximum_iterations=_PATIENCE)
    found = ops.where(unsolved, ops.where(going, inside, polished), found)
    return ops.maximum(ops.scatter_update(x, rows[:, None], found), 0.0)


def _carefully(matrix, linear):
    """Exchanges as in `nonnegative`, but after three rounds without progress only the last entry of the wrong sign (Murty's rule)."""
    order = ops.arange(ops.shape(linear)[-1])

    def exchange(free, x, fewest, patience, count):
        x, _, _, wrong = _on(matrix, linear, free)
        count = ops.sum(ops.cast(wrong, "int32"), axis=-1, keepdims=True)
        better = count < fewest
        last = order == ops.max(ops.where(wrong, order, -1), axis=-1, keepdims=True)
        turned = ops.logical_and(wrong, ops.logical_or(last, ops.logical_or(better, patience > 0)))
        patience = ops.where(better, _PATIENCE, ops.maximum(patience - 1, 0))
        return ops.logical_xor(free, turned), x, ops.minimum(fewest, count), patience, count

    start = linear > 0
    count = ops.sum(ops.cast(start, "int32"), axis=-1, keepdims=True)
    state = (start, 0.0 * linear, count + 1, 0 * count + _PATIENCE, count)
    state = ops.while_loop(lambda *state: ops.any(state[-1] > 0), exchange, state, maximum_iterations=_ROUNDS)
    return state[1], state[-1] > 0


def _interior(matrix, linear, needed):
    """Mehrotra's predictor and corrector with M shifted, down to the order of rounding; returns x > 0 and its slack > 0."""
    eye = ops.eye(ops.shape(linear)[-1], dtype="float64")
    matrix = matrix + eye * (0.01 * _SHIFT)

    def longest(value, step):
        return ops.min(ops.where(step < 0, -value / ops.where(step < 0, step, -1.0), 1e300), axis=-1, keepdims=True)

    def improve(x, slack, gap, going):
        inverse = ops.inv(matrix + eye * ops.expand_dims(slack / x, -1))
        missing = slack + linear - ops.matmul(x, matrix)

        def steps(target):
            step = ops.squeeze(ops.matmul(inverse, ops.expand_dims(missing + target / x - slack, -1)), -1)
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
    slack = ops.maximum(ops.matmul(x, matrix) - linear, 1.0)
    state = (x, slack, ops.mean(x * slack, axis=-1, keepdims=True), needed)
    return ops.while_loop(lambda *state: ops.any(state[-1]), improve, state, maximum_iterations=60)[:2]
