"""PCGrad, "gradient surgery" (Yu et al., NeurIPS 2020)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class PCGrad(GramBalancer):
    """Takes from each task gradient what opposes the others, one after the other in random order, and sums what is left.

    For each i: v = g_i; for j ≠ i in random order: if vᵀg_j < 0, v ← v − (vᵀg_j/‖g_j‖²)·g_j; the direction is Σ_i v. With
    v = Σ c_k·g_k all of it needs G alone. The orders are a function of the seed and the count of steps, which is saved.
    Two tasks never conflict with the direction; with three or more they may, since a later projection can undo an earlier one.
    LibMTL projects a gradient on itself as well, by rounding; here it is left out.

    Args:
        seed: an int that decides the orders.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: `seed` is negative, or another argument out of bounds.

    Source: Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("pcgrad", [[1.0, 0.0], [-1.0, 1.0]])
    >>> [round(float(value), 6) for value in direction]
    [0.5, 1.5]
    """

    draws = True

    def __init__(self, seed=0, *, at="parameters", every=1, freeze_after=None, name="pcgrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.seed = checks.integer("seed", seed, low=0)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        cosines, norms, inverse = _unit_rows.unit_rows(gram)
        tasks = ops.shape(gram)[0]

        def project(rows, against, state):
            along = ops.sum(rows * ops.take(cosines, against, axis=0), axis=1, keepdims=True)
            return rows - ops.minimum(along, 0.0) * ops.one_hot(against, tasks, dtype="float64"), state

        order = _unit_rows.orders(tasks, self.seed, self.steps)
        rows, _ = _unit_rows.one_by_one(project, (ops.eye(tasks, dtype="float64"), 0), order)
        return _unit_rows.combine(rows, norms, inverse)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}


BALANCERS.register(PCGrad, name="pcgrad")
