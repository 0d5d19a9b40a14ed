"""CAGrad: conflict-averse gradient descent (Liu et al., NeurIPS 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import times, unit
from mtlzoo.balancing._qp import contains_zero, nonnegative, solve_on
from mtlzoo.balancing._registry import BALANCERS

_ROUNDS = 60


@keras.saving.register_keras_serializable(package="mtlzoo")
class CAGrad(GramBalancer):
    """Finds the direction near the mean gradient g0 that serves the worst task best: max min_t g_tᵀd within ‖d − g0‖ ≤ c·‖g0‖.

    In the dual, d = g0 + c·‖g0‖·g_w / ‖g_w‖ with g_w = Σ w_t·g_t and w = argmin g_wᵀg0 + c·‖g0‖·‖g_w‖ over w ≥ 0, Σ w_t = 1.
    For a given worst gain τ the shortest step d − g0 is a nonnegative quadratic programme; its length grows with τ, and while
    the same tasks are at τ its square is quadratic in τ. So a few programmes give the τ at which the length is c·‖g0‖, exactly
    at any scale. Where some mean of the gradients is 0, τ is at most 0 and the step may be shorter: the shortest is taken. A
    zero gradient counts in the mean, and does not bound τ. LibMTL and TorchJD stop early at small scales, or return 0.

    Args:
        c: the radius over ‖g0‖; 0 is the mean, a large c goes to the direction of MGDA.
        rescale: 0 leaves d, 1 divides it by 1 + c², 2 by 1 + c.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; the direction is of the size of the mean gradient, not of the sum.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, eqs. 4 and 5, algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, _ = aggregate(CAGrad(c=0.5, rescale=0), [[1.0, 0.0], [0.0, 1.0]])
    >>> [round(float(value), 6) for value in direction]
    [0.75, 0.75]
    """

    def __init__(self, c=0.5, rescale=1, *, at="parameters", every=1, freeze_after=None, name="cagrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.c = checks.number("c", c, low=0)
        self.rescale = checks.integer("rescale", rescale, low=0, high=2)

    def solve(self, gram, losses):
        """Returns the weights [t]; within, lengths are in units of ‖g0‖, rows in units of their norms, τ of the shortest row."""
        norms, cosines, alive = unit(gram)
        safe = ops.where(ops.isfinite(norms), norms, 0.0)
        scaled = safe / ops.maximum(ops.max(safe), 1e-300)
        slopes = times(cosines, ops.expand_dims(scaled, 0))[0]
        length = ops.sqrt(ops.maximum(ops.sum(scaled * slopes), 0.0))
        slopes = ops.where(alive, slopes / ops.maximum(length, 1e-150), 1.0)
        inverse = ops.where(alive, 1.0 / ops.where(alive, scaled, 1.0), 0.0)
        step, residual = self._step(cosines, inverse / ops.maximum(ops.max(inverse), 1.0), ops.clip(slopes, -1.0, 1.0), alive)
        tasks = ops.cast(ops.shape(gram)[0], "float64")
        weights = (1.0 + self.solved(ops.where(length > 0, step, 0.0), ops.where(length > 0, residual, 0.0)) * length * inverse) / tasks
        return weights / (1.0, 1.0 + self.c**2, 1.0 + self.c)[self.rescale] + 0.0 * norms

    def _step(self, cosines, inverse, slopes, alive):
        """Returns x ≥ 0 with ‖Ĵᵀx‖ = c that serves the worst row best; `slopes` are the cosines of the rows with g0."""
        bound = ops.where(alive, inverse, 1.0)
        low = ops.min(ops.where(alive, slopes / bound, 1e300))
        high = ops.min(ops.where(alive, (slopes + self.c) / bound, 1e300))
        stuck = contains_zero(cosines, alive)
        high = ops.where(stuck, ops.minimum(high, ops.maximum(low, 0.0)), high)

        def narrow(gain, low, high, step, going, residual):
            step, residual = nonnegative(cosines, ops.expand_dims(gain * inverse - slopes, 0) * ops.cast(alive, "float64"))
            square = ops.sum(step[0] * times(cosines, step)[0])
            missing = self.c**2 - square
            ahead = solve_on(cosines, ops.expand_dims(inverse, 0), step > 0)
            slope, curvature = ops.sum(inverse * step[0]), ops.sum(inverse * ahead[0])
            inside = slope**2 + curvature * missing
            quadratic = gain + missing / ops.maximum(slope + ops.sqrt(ops.maximum(inside, 0.0)), 1e-300)
            tangent = gain - (ops.sqrt(square) - self.c) * ops.sqrt(square) / ops.maximum(slope, 1e-300)
            low, high = ops.where(missing >= 0, gain, low), ops.where(missing <= 0, gain, high)
            fits = ops.logical_and(inside >= 0, ops.logical_and(quadratic > low, quadratic < high))
            other = ops.where(missing < 0, tangent, high)
            other = ops.where(ops.logical_and(other > low, other < high), other, 0.5 * (low + high))
            close = ops.abs(missing) <= 1e-13 * self.c**2
            narrowest = high - low <= 1e-15 * (ops.abs(high) + ops.abs(low))
            at_end = ops.logical_and(stuck, ops.logical_and(missing >= 0, gain >= high))
            residual = ops.maximum(residual[0], ops.where(at_end, 0.0, 1e-2 * ops.abs(missing) / self.c**2))
            return ops.where(fits, quadratic, other), low, high, step, ops.logical_not(close | narrowest | at_end), residual

        start = ops.where(low < 0, ops.minimum(high, 0.0), high)
        state = (start, low, high, ops.expand_dims(0.0 * slopes, 0), ops.any(alive), 0.0 * low)
        if self.c == 0:
            return 0.0 * slopes, 0.0
        state = ops.while_loop(lambda *state: state[4], narrow, state, maximum_iterations=_ROUNDS)
        return state[3][0], state[5]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "c": self.c, "rescale": self.rescale}


BALANCERS.register(CAGrad, name="cagrad")
