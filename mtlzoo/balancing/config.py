"""ConFIG, conflict-free inverse gradients (Liu, Chu and Thuerey, ICLR 2025)."""

import keras
from keras import ops

from mtlzoo.balancing import _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class ConFIG(GramBalancer):
    """Goes where the projections on all task gradients are equal and positive, as far as the gradients reach there together.

    û = normalised U⁺·1 for unit rows u_i = g_i/‖g_i‖, and d = (Σ_i g_iᵀû)·û. With a = (UUᵀ)⁺·1 both need G alone:
    w_i = (Σ_j n_j·(UUᵀa)_j)/(aᵀUUᵀa)·a_i/n_i. It is the line of `IMTLG` with a sign that no task goes uphill by, where the rows are
    linearly independent; where they are not, û is the nearest in least squares and a task may go uphill, and gradients that only
    oppose each other give d = 0. Zero gradients take no part and get weight 0.

    Args:
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Liu, Chu and Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks", ICLR 2025, eqs. 2 and 3.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("config", [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 6) for value in direction]
    [2.0, 2.0]
    """

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name="config"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        cosines, norms, inverse = _unit_rows.unit_rows(gram)
        solved, reached = _unit_rows.equal_projections(cosines)
        square = ops.sum(solved * reached)
        return ops.where(square > 0, ops.sum(norms * reached) / ops.where(square > 0, square, 1.0), 0.0) * solved * inverse


BALANCERS.register(ConFIG, name="config")
