"""DB-MTL, dual balancing without its moving average (Lin et al. 2023)."""

import keras
from keras import ops

from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS

# Of the paper's code: the gradients are those of log(L + 1e-8).
_SHIFT = 1e-8


@keras.saving.register_keras_serializable(package="mtlzoo")
class DBMTL(GramBalancer):
    """Takes the gradients of the log losses, and brings all of them to the length of the longest.

    With b_i = ∇log(L_i + 1e-8) = g_i/(L_i + 1e-8) the direction is Σ_i (max_j‖b_j‖/‖b_i‖)·b_i, so that
    w_i = max_j(‖g_j‖/(L_j + 1e-8))/‖g_i‖. This is the method with β = 0: it needs the losses and the diagonal of G alone; the moving
    average of the b_i of the paper (β = 0.9) needs the gradients themselves. A zero gradient gets weight 0. The heads of the
    paper take the plain log losses; here, as with all Gram methods, they take their own loss as it is.

    Args:
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Lin, Jiang, Ye, Zhang, Chen, Chen, Liu and Kwok, "Dual-Balancing for Multi-Task Learning", arXiv 2308.12029, section 3.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("db_mtl", [[1.0, 0.0], [0.0, 3.0]], losses=[0.1, 1.0])
    >>> [round(float(value), 5) for value in direction]
    [10.0, 10.0]
    """

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name="db_mtl"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        norms = ops.sqrt(ops.maximum(ops.diagonal(gram), 0.0))
        longest = ops.max(norms / (ops.maximum(losses, 0.0) + _SHIFT))
        return ops.where(norms > 0, longest / ops.where(norms > 0, norms, 1.0), 0.0)


BALANCERS.register(DBMTL, name="db_mtl")
