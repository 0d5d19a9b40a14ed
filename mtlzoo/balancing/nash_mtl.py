"""Nash-MTL: the Nash bargaining solution of the tasks (Navon et al., ICML 2022)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._newton import FLOOR, balanced
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class NashMTL(GramBalancer):
    """Weighs tasks as they would bargain: G·w = 1/w, so that Σ log(g_tᵀd) is greatest; then ‖d‖ is clipped to `max_norm`.

    The equation is the gradient of the convex ½·wᵀGw − Σ log w_t, which Newton's method minimises in a few steps; the authors'
    code and LibMTL approach it with at most 20 rounds of a package for convex programmes. Since ‖d‖² = wᵀGw = T, the clip at
    1 always acts: d is then a unit vector, and it does not change if a task's gradient is scaled. Every task gains (g_tᵀd > 0).
    A zero gradient takes no part. Where gradients are opposed exactly no solution exists; the weights then grow to about 1e5
    over their norms, and the opposed gradients cancel out.

    Args:
        max_norm: the greatest norm of the direction, or None for no bound.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`; the paper's number of steps between updates.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; its weights are positive.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022, eq. 4 and sec. 3.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(NashMTL(max_norm=None), [[2.0, 0.0], [0.0, 0.5]])
    >>> [round(float(value), 6) for value in direction], [round(float(value), 6) for value in weights]
    ([1.0, 1.0], [0.5, 2.0])
    """

    solves = True

    def __init__(self, max_norm=1.0, *, at="parameters", every=1, freeze_after=None, name="nash_mtl"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.max_norm = max_norm if max_norm is None else checks.number("max_norm", max_norm, low=0, strict=True)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        norms, cosines, alive = unit(gram, FLOOR)
        log_lengths, residual = balanced(cosines, ops.zeros_like(norms), 1.0)
        weights = ops.where(alive, ops.exp(log_lengths) / ops.where(alive, norms, 1.0), 0.0)
        if self.max_norm is not None:
            length = ops.sqrt(ops.sum(ops.cast(alive, "float64")))
            weights = weights * ops.minimum(1.0, self.max_norm / ops.maximum(length, 1.0))
        return self.solved(weights, residual) + 0.0 * norms

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "max_norm": self.max_norm}


BALANCERS.register(NashMTL, name="nash_mtl")
