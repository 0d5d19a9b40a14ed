"""MGDA, the multiple-gradient descent algorithm (Désidéri 2012; Sener and Koltun, NeurIPS 2018)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._qp import shortest
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class MGDA(GramBalancer):
    """Weighs tasks so that the sum of their gradients is as short as a mean of them can be: it then conflicts with none.

    w = argmin ‖Σ w_t·g_t / s_t‖ over w ≥ 0 with Σ w_t = 1, where s_t is 1 ("none"), ‖g_t‖ ("l2"), L_t ("loss") or L_t·‖g_t‖
    ("loss+"). The direction is Σ w_t·g_t with the gradients as they are, as in the authors' code; so only with "none" is it
    sure not to conflict with a task. It is solved exactly: with u_t = w_t·‖g_t‖ / s_t and C the cosines of the gradients it is
    min uᵀCu + (aᵀu − 1)² over u ≥ 0, a_t = s_t / ‖g_t‖, up to the length of u. A zero gradient takes all the weight: the mean
    is then shortest. A loss of 0 has s_t = 0 and weight 0, as in the limit. LibMTL also sums the normalised gradients.

    Args:
        normalization: "none", "l2", "loss" or "loss+".
        at: as in `GramBalancer`; "representation" is the paper's MGDA-UB.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; its weights sum to 1.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Sener and Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, eq. 3; Désidéri,
    "Multiple-gradient descent algorithm", C. R. Math. 350, 2012.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("mgda", [[2.0, 0.0], [0.0, 1.0]])
    >>> [round(float(value), 6) for value in weights]
    [0.2, 0.8]
    """

    solves = True

    def __init__(self, normalization="none", *, at="parameters", every=1, freeze_after=None, name="mgda"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.normalization = checks.one_of("normalization", normalization, ["none", "l2", "loss", "loss+"])
        self.reads_losses = normalization.startswith("loss")

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        norms, cosines, alive = unit(gram)
        lengths = self._lengths(norms, losses, alive)
        found, residual = shortest(cosines, lengths, alive)
        weights = found * lengths
        weights = self.solved(weights / ops.sum(weights), residual)
        dead = ops.cast(ops.logical_and(ops.logical_not(alive), ops.isfinite(norms)), "float64")
        return ops.where(ops.any(dead > 0), dead / ops.maximum(ops.sum(dead), 1.0), weights + 0.0 * norms)

    def _lengths(self, norms, losses, alive):
        """Returns a [t]: s over the norm, of the order 1 at most; its scale does not matter."""
        lengths = ops.where(alive, 1.0 / ops.where(alive, norms, 1.0), 0.0)
        lengths = ops.cast(alive, "float64") if self.normalization in ("l2", "loss+") else lengths / ops.max(lengths)
        if self.normalization in ("loss", "loss+"):
            losses = ops.abs(losses)
            lengths = lengths * ops.where(ops.any(ops.logical_and(losses > 0, alive)), losses / ops.max(losses), 1.0)
        return ops.where(ops.any(alive), lengths / ops.max(lengths), 1.0)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "normalization": self.normalization}


BALANCERS.register(MGDA, name="mgda")
