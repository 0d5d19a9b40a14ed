"""IMTL-G, impartial gradients (Liu et al., ICLR 2021)."""

import keras

from mtlzoo.balancing import _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class IMTLG(GramBalancer):
    """Weighs so that the direction has the same projection on every task gradient: dᵀg_i/‖g_i‖ equal for all i, Σw = 1.

    w ∝ G⁻¹n with n = √diag(G). **It can point uphill**: where Σ(G⁻¹n)_i is negative, the constraint Σw = 1 flips the sign, and the
    common projection is negative; near 0 the weights grow without bound. `ConFIG` is the same line with a safe sign.
    Where rows are linearly dependent, what is equal is meant in the sense of least squares (u_iᵀd = 1 for unit rows u_i, the shortest
    coefficients a of them, w_i ∝ a_i/n_i): equal tasks share their part equally. Where no direction is better than 0 (rows that only
    oppose each other), d = 0. A zero gradient takes no part and gets weight 0. LibMTL fails on such rows; TorchJD returns 0 where
    |Σ| < 1e-12. If Σ(G⁻¹n)_i is 0 there are no such weights: they are NaN, and training stops.

    Args:
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Liu, Li, Kuang, Xue, Chen, Yang, Liao and Zhang, "Towards Impartial Multi-task Learning", ICLR 2021, section 3.1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("imtl_g", [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 6) for value in direction]
    [0.75, 0.75]
    """

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name="imtl_g"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        return _unit_rows.impartial(gram)


BALANCERS.register(IMTLG, name="imtl_g")
