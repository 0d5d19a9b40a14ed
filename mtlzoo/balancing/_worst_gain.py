"""Steps from the mean gradient that serve the worst task best, up to a limit: what CAGrad and ConicGrad share.

In units of the mean gradient's length, d = u + step with |u| = 1. For a gain τ, let step be the shortest with g_iᵀd ≥ τ for all
rows: a nonnegative quadratic programme, and while the same rows are at τ, step is linear in τ. As τ grows, d goes from u towards
the shortest mean of the rows. A limit is a function α0 + α1·r + α2·r² − α3·q of r = uᵀstep and q = |step|², positive at u; on the way
it is quadratic in τ, and the step is sought at which it is 0.
"""

from keras import ops

from mtlzoo.balancing._gram import EPSILON
from mtlzoo.balancing._qp import is_null, nonnegative, solve_on, violation

_EXCHANGES = 12
_ROUNDS = 60


def around_mean(cosines, norms, alive):
    """Returns what the mean gradient g0 of rows g_i = n_i·u_i is to them.

    Args:
        cosines: of the rows, [t, t], float64.
        norms: n, [t].
        alive: [t], bool, False for zero rows.

    Returns:
        `(slopes, inverse, length)`: the cosines of the rows with g0 (1 for zero rows), 1/n_i over the largest of them (0 for zero
        rows), [t]; and t·‖g0‖ over the length of the longest row, 0 if there is none.
    """
    safe = ops.where(ops.isfinite(norms), norms, 0.0)
    scaled = safe / ops.maximum(ops.max(safe), 1e-300)
    slopes = ops.matmul(scaled[None], cosines)[0]
    length = ops.sqrt(ops.maximum(ops.sum(scaled * slopes), 0.0))
    slopes = ops.clip(ops.where(alive, slopes / ops.maximum(length, 1e-150), 1.0), -1.0, 1.0)
    inverse = ops.where(alive, 1.0 / ops.where(alive, scaled, 1.0), 0.0)
    return slopes, inverse / ops.maximum(ops.max(inverse), 1.0), length


def serve(cosines, slopes, inverse, limit, most):
    """Finds the step at the limit: rows are exchanged until all signs are right, with τ from the limit on the rows at τ.

    Where that does not end, programmes are solved for single gains. If some mean of the rows is 0, τ is at most 0 and may not
    reach the limit: then it is 0. If there is none and τ does not reach the limit either, it is so high that u hardly counts.

    Args:
        cosines: C of the rows, [t, t], float64.
        slopes: u_iᵀu, [t], 1 for rows that take no part.
        inverse: 1/n_i, [t], 0 for rows that take no part.
        limit: α, four numbers.
        most: the most that each unit row can gain alone, [t]; with α2 = 0 for d within the limit, otherwise for units d.

    Returns:
        `(x, residual, square)`: [t], with step = Σ x_i·u_i; how far x is from optimal; and |u + step|².
    """
    right = ops.stack([inverse, slopes])
    takes_part = inverse > 0
    highest = ops.min(ops.where(takes_part, most / ops.where(takes_part, inverse, 1.0), 1e300))

    def exchange(free, x, gain, count):
        both, slack, noise = solve_on(cosines, right, free)
        at_gain, at_mean = both[0], both[1]
        gain = _root(limit, ops.sum(slopes * at_gain), ops.sum(slopes * at_mean), ops.sum(inverse * at_gain))
        if limit[2]:  # One row at least stays: where the rows span u, the limit may be reached at no other gain than 0.
            rising = at_gain > 0
            least = ops.min(ops.where(rising, at_mean / ops.where(rising, at_gain, 1.0), 1e300))
            gain = ops.where(least < 1e300, ops.maximum(gain, least), gain)
        x, noise = gain * at_gain - at_mean, ops.abs(gain) * noise[0] + noise[1]
        wrong = ops.where(free[0], x < 0, gain * slack[0] - slack[1] < -noise)
        return ops.logical_xor(free, wrong), x, gain, ops.sum(ops.cast(wrong, "int32"))

    start = ops.logical_and(takes_part, slopes < highest * inverse)[None]
    state = (start, 0.0 * slopes, 0.0 * highest, ops.cast(ops.any(start), "int32"))
    _, x, gain, count = ops.while_loop(lambda *state: state[-1] > 0, exchange, state, maximum_iterations=_EXCHANGES)
    x = ops.maximum(x, 0.0)
    linear = gain * inverse - slopes
    residual = violation(cosines, linear, x[None])[0]
    value, square = _reached(limit, cosines, slopes, x)
    # A step of rows that all but cancel out is rounding.
    exact = ops.logical_and(residual <= 64 * EPSILON, ops.max(x) <= 1e6 * ops.max(ops.abs(linear)))
    good = ops.logical_and(ops.logical_and(exact, count == 0), ops.logical_and(ops.abs(value) <= 1e-10, square > 1e-10))
    return ops.cond(good, lambda: (x, residual, square), lambda: _narrowed(cosines, slopes, inverse, limit, 1e300 if limit[2] else highest))


def _narrowed(cosines, slopes, inverse, limit, highest):
    """Solves a programme for one gain after the other, in a bracket that narrows; the first one asks if a mean of the rows is 0."""
    alive = ops.cast(inverse > 0, "float64")
    lowest = ops.min(ops.where(alive > 0, slopes / ops.where(alive > 0, inverse, 1.0), 1e300))

    farthest = 1e10 / ops.min(ops.where(alive > 0, inverse, 1.0))

    def attempt(asks, opposed, gain, low, high, x, residual, square, going):
        matrix = cosines + ops.cast(asks, "float64") * alive * alive[:, None]
        linear = ops.where(asks, alive, gain * inverse - slopes)
        size = ops.maximum(ops.max(linear), 1.0)
        found, wrong = nonnegative(matrix, linear[None] / size)
        found = size * found
        opposed = ops.where(asks, is_null(cosines, found[0]), opposed)
        value, square = _reached(limit, cosines, slopes, found[0])
        ahead = solve_on(cosines, inverse[None], found > 0)[0]
        along = ops.sum(slopes * ahead)
        root = _root(limit, along, gain * along - ops.sum(slopes * found), ops.sum(inverse * ahead))

        at_end = ops.logical_or(ops.logical_and(opposed, gain >= high), gain >= farthest)
        last = ops.logical_and(at_end, value >= 0)
        # Where d vanishes at a gain of 0, its direction is that of a moment before.
        early = ops.logical_and(at_end, ops.logical_and(gain == 0, square < 1e-8)) if limit[2] else False
        new_low = ops.where(ops.logical_and(value >= 0, ops.logical_not(early)), gain, low)
        new_high = ops.where(early, 1e-3 * lowest, ops.where(value <= 0, gain, high))
        middle = ops.where(new_high < 1e300, 0.5 * (new_low + new_high), 1e3 * ops.abs(gain) + 1.0)
        following = ops.where(ops.logical_and(root > new_low, root < new_high), root, middle)
        narrow = new_high - new_low <= 1e-15 * (ops.abs(new_high) + ops.abs(new_low))
        done = ops.logical_and(last | narrow | (ops.abs(value) <= 1e-13), ops.logical_not(early))
        missing = ops.maximum(wrong[0], ops.where(last, 0.0, 1e-2 * ops.abs(value)))

        first_high = ops.where(opposed, ops.minimum(highest, ops.maximum(lowest, 0.0)), highest)
        first = ops.minimum(first_high, ops.where(lowest < 0, 0.0, ops.maximum(lowest, 1.0)))
        return (
            ops.logical_and(asks, False),
            opposed,
            ops.where(asks, first, ops.where(early, new_high, following)),
            ops.where(asks, lowest, new_low),
            ops.where(asks, first_high, new_high),
            found[0],
            missing,
            square,
            ops.where(asks, going, ops.logical_not(done)),
        )

    some, zero = ops.any(inverse > 0), 0.0 * lowest
    state = (some, ops.logical_not(some), zero, lowest, zero + highest, 0.0 * slopes, zero, zero + 1.0, some)
    *_, x, residual, square, _ = ops.while_loop(lambda *state: state[-1], attempt, state, maximum_iterations=_ROUNDS)
    return x, residual, square


def _reached(limit, cosines, slopes, x):
    """The limit's value for step = Σ x_i·u_i, over α0 or over |u + step|² if α2 > 0; and |u + step|²."""
    along, square = ops.sum(slopes * x), ops.sum(x * ops.matmul(x[None], cosines)[0])
    value, whole = limit[0] + limit[1] * along + limit[2] * along**2 - limit[3] * square, 1.0 + 2.0 * along + square
    return value / (ops.maximum(whole, 1e-300) if limit[2] else limit[0]), whole


def _root(limit, first, second, third):
    """The τ at which the limit is 0 and falls, for a step of τ·P − Z on certain rows; a high one where it does not fall to 0.

    Args:
        limit: α.
        first: uᵀP, which is PᵀZ.
        second: uᵀZ, which is ZᵀZ.
        third: PᵀP.
    """
    a = limit[2] * first**2 - limit[3] * third
    b = first * (0.5 * limit[1] - limit[2] * second + limit[3])
    e = limit[0] - (limit[1] + limit[3]) * second + limit[2] * second**2
    depth = ops.sqrt(ops.maximum(b**2 - a * e, 0.0))
    over = ops.where(b >= 0, a, depth - b)
    root = ops.where(b >= 0, -b - depth, e) / ops.where(over == 0, 1e-300, over)
    return ops.where(ops.logical_and(a >= 0, b >= 0), 1e8, root) if limit[2] else root
