"""Aligned-MTL (Senushkin et al., CVPR 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _graded, _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class AlignedMTL(GramBalancer):
    """Replaces the task gradients by the nearest orthogonal ones of one length, and sums these.

    With G = VΛVᵀ, w = √λ·VΛ^(−½)Vᵀ·1, where λ is the smallest eigenvalue above 0 (or the median, or the mean one): rows √λ·Q, Q the
    orthogonal polar factor of the Jacobian, have a condition number of 1. The aligned gradients do not conflict with their sum;
    the gradients themselves may: g_iᵀd = √λ·(G^½·1)_i can be negative. The weights of the tasks in the paper are 1 here, as in its code
    (TorchJD has 1/T). Public code drops eigenvalues below T·ε·λ_max, and with them any task whose gradient is 1e-8 of another's; here
    only linear dependence of the *unit* gradients lowers the rank (then weights of the least Σ(w_i·‖g_i‖)² are given, for the same
    direction), and small eigenvalues are exact. Note that λ = min ties the length of the step to the weakest task.

    Args:
        scale: "min" (the paper's), "median" (the lower one of two) or "mean": which eigenvalue λ is.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Senushkin, Patakin, Kuznetsov and Konushin, "Independent Component Alignment for Multi-Task Learning", CVPR 2023,
        algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("aligned_mtl", [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 6) for value in direction]
    [1.0, 1.0]
    """

    solves = True

    def __init__(self, scale="min", *, at="parameters", every=1, freeze_after=None, name="aligned_mtl"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.scale = checks.one_of("scale", scale, ["min", "median", "mean"])

    def solve(self, gram, losses):
        """Returns the weights [t]; NaN if the polar factor was not found."""
        cosines, norms, inverse = _unit_rows.unit_rows(gram)
        longest = ops.max(norms)
        norms = norms / ops.where(longest > 0, longest, 1.0)
        factors, lengths = _graded.factor(cosines, norms)
        real = lengths > 0
        q, triangle = _graded.orthogonal(norms[:, None] * factors / ops.where(real, lengths, 1.0), lengths)
        rotation, residual = _graded.polar(triangle * ops.where(real, lengths, 1.0))
        # The direction in the basis of the factors: √λ·Qᵀ·1, from which Lᵀa = √λ·Qᵀ·1 gives a_i = n_i·w_i.
        wanted = ops.matmul(ops.transpose(ops.matmul(q, rotation)), ops.ones_like(norms)[:, None])
        length = longest * self._length(triangle, lengths, norms)
        q, triangle = _graded.orthogonal(factors, lengths)
        solved = ops.matmul(q, ops.solve(ops.transpose(triangle), wanted))[:, 0]
        weights = length * solved * inverse
        return self.solved(weights, residual)

    def _length(self, triangle, lengths, norms):
        """√λ of the scaled gradients."""
        if self.scale == "mean":
            rank = ops.sum(ops.cast(lengths > 0, "float64"))
            return ops.sqrt(ops.sum(norms**2) / ops.maximum(rank, 1.0))
        values, rank = _graded.spectrum(triangle, lengths)
        return ops.take(values, ops.maximum(rank - 1, 0) if self.scale == "min" else rank // 2)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scale": self.scale}


BALANCERS.register(AlignedMTL, name="aligned_mtl")
