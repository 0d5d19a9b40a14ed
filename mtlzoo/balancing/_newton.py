"""Newton's method for C·v = k·v^(−p) with v > 0: the equations of Nash-MTL (p = 1) and FairGrad."""

from keras import ops

from mtlzoo.balancing._gram import EPSILON, times

FLOOR = 1e-10  # of the eigenvalues of C: it bounds v where gradients are opposed exactly and no solution exists
_ROUNDS = 80


def balanced(cosines, log_targets, power):
    """Minimises ½·vᵀCv − Σ k_i·∫v_i^(−p) over v > 0, which is strictly convex; its gradient is 0 where C·v = k·v^(−p).

    Both sides of the equation are unknowns, v and y = C·v, and the steps are those of y·v^p = k taken in logarithms, as in
    primal-dual interior point methods: v can span any number of decades. An unknown grows by Newton's step and shrinks by its
    exponential, so that both stay positive without a line search.

    Args:
        cosines: C, [t, t], eigenvalues of `FLOOR` or more; float64.
        log_targets: log k, [t], at most 0; float64.
        power: p > 0, a number.

    Returns:
        `(log v, residual)`: [t], and the largest difference of the two sides relative to the largest term in them.

    Source: Mehrotra, "On the implementation of a primal-dual interior point method", SIAM J. Optim. 2, 1992, for the idea.
    """
    diagonal, sizes = ops.eye(ops.shape(cosines)[0], dtype="float64"), ops.abs(cosines)

    def misses(log_v, log_y):
        v, y = ops.exp(log_v), ops.exp(log_y)
        product = log_y + power * log_v - log_targets
        equation = times(cosines, ops.expand_dims(v, 0))[0] - y
        largest = ops.max(times(sizes, ops.expand_dims(v, 0))[0] + y)
        relative = ops.maximum(ops.abs(equation), ops.abs(ops.expm1(ops.clip(product, -30.0, 30.0))) * y) / largest
        return v, y, product, equation, ops.max(relative)

    def grown(step):
        return ops.where(step > 0, ops.log1p(ops.maximum(step, 0.0)), ops.maximum(step, -10.0))

    def improve(log_v, log_y, going):
        v, y, product, equation, residual = misses(log_v, log_y)
        product = ops.clip(product, -30.0, 30.0)
        curvature = power * y / v
        scale = 1.0 / ops.sqrt(1.0 + curvature)
        system = (cosines + diagonal * curvature) * ops.expand_dims(scale, 0) * ops.expand_dims(scale, 1)
        right = -scale * (equation + y * product)
        step = scale * ops.linalg.solve(system, ops.expand_dims(right, -1))[:, 0] / v
        going = ops.logical_or(residual > 32 * EPSILON, ops.any(ops.abs(product) > 1e-9))
        return log_v + grown(step), log_y + grown(-product - power * step), going

    start = log_targets / (1.0 + power)
    state = (start, start, ops.any(ops.isfinite(start)))
    log_v, log_y, _ = ops.while_loop(lambda *state: state[-1], improve, state, maximum_iterations=_ROUNDS)
    return log_v, misses(log_v, log_y)[-1]
