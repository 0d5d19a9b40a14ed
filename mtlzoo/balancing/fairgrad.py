"""FairGrad: α-fair gains of the tasks (Ban and Ji, ICML 2024)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._newton import FLOOR, balanced
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class FairGrad(GramBalancer):
    """Weighs tasks so that their gains g_tᵀd are α-fair: G·w = w^(−1/α), w > 0.

    The gains maximise Σ x^(1−α) / (1−α) for the length of d: α near 0 is the mean of the gradients, 1 is Nash-MTL without its
    clip, and a large α serves the task that gains least, as MGDA does. The equation is the gradient of the convex
    ½·wᵀGw − Σ w_t^(1−1/α) / (1−1/α), which Newton's method minimises; the authors' code and LibMTL call a least-squares solver
    that stops early at small scales. Every task gains. A zero gradient takes no part. Where gradients are opposed exactly no
    solution exists; their weights are then large, and they cancel out.

    Args:
        alpha: α > 0.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; its weights are positive.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Ban and Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024, eqs. 3 and 6.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(FairGrad(alpha=0.5), [[1.0, 0.0], [0.0, 8.0]])
    >>> [round(float(value), 6) for value in direction], [round(float(value), 6) for value in weights]
    ([1.0, 2.0], [1.0, 0.25])
    """

    solves = True

    def __init__(self, alpha=1.0, *, at="parameters", every=1, freeze_after=None, name="fairgrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.alpha = checks.number("alpha", alpha, low=0, strict=True)

    def solve(self, gram, losses):
        """Returns the weights [t]: with u = w·‖g‖ and p = 1/α it is C·u = ‖g‖^(p−1)·u^(−p); u is scaled so that these are ≤ 1."""
        power = 1.0 / self.alpha
        norms, cosines, alive = unit(gram, FLOOR)
        log_norms = ops.where(alive, ops.log(ops.where(alive, norms, 1.0)), 0.0)
        log_targets = (power - 1.0) * log_norms
        greatest = ops.max(ops.where(alive, log_targets, -1e300))
        log_lengths, residual = balanced(cosines, ops.where(alive, log_targets - greatest, 0.0), power)
        weights = ops.exp(log_lengths + greatest / (1.0 + power) - log_norms)
        return self.solved(ops.where(alive, weights, 0.0), residual) + 0.0 * norms

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "alpha": self.alpha}


BALANCERS.register(FairGrad, name="fairgrad")
