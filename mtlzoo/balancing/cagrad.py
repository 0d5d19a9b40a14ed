"""CAGrad: conflict-averse gradient descent (Liu et al., NeurIPS 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._registry import BALANCERS
from mtlzoo.balancing._worst_gain import around_mean, serve


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

    solves = True

    def __init__(self, c=0.5, rescale=1, *, at="parameters", every=1, freeze_after=None, name="cagrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.c = checks.number("c", c, low=0)
        self.rescale = checks.integer("rescale", rescale, low=0, high=2)

    def solve(self, gram, losses):
        """Returns the weights [t]; within, lengths are in units of ‖g0‖, rows in units of their norms, τ of the shortest row."""
        norms, cosines, alive = unit(gram)
        slopes, inverse, length = around_mean(cosines, norms, alive)
        step, residual = 0.0 * slopes, 0.0
        if self.c > 0:
            step, residual, _ = serve(cosines, slopes, inverse, (self.c**2, 0.0, 0.0, 1.0), slopes + self.c)
        step = self.solved(ops.where(length > 0, step, 0.0), ops.where(length > 0, residual, 0.0))
        lengths = norms / ops.maximum(ops.max(norms), 1e-300)
        weights = 1.0 + step * length / ops.where(alive, lengths, 1.0)
        return weights / ((1.0, 1.0 + self.c**2, 1.0 + self.c)[self.rescale] * ops.cast(ops.shape(gram)[0], "float64")) + 0.0 * norms

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "c": self.c, "rescale": self.rescale}


BALANCERS.register(CAGrad, name="cagrad")
