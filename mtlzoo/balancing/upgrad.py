"""UPGrad: every gradient projected so that it conflicts with no task, then summed (Quinton and Rey 2024)."""

import keras
from keras import ops

from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._qp import nonnegative
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class UPGrad(GramBalancer):
    """Projects each gradient on the directions that conflict with no task, and takes the mean: w = Σ_i argmin vᵀGv over v ≥ e_i/T.

    The T programmes are solved at once and exactly, for the gradients in units of their norms, so that the lengths do not enter
    them at all. TorchJD adds 1e-4 to G over its trace: there a gradient 100 times longer than another conflicts with it.

    Args:
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; its weights are 1/T or more.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232, 2024, sec. 3.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("upgrad", [[2.0, 0.0], [-1.0, 1.0]])
    >>> [round(float(value), 6) for value in direction], [round(float(value), 6) for value in weights]
    ([0.5, 1.0], [0.75, 1.0])
    """

    solves = True

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name="upgrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        norms, cosines, alive = unit(gram)
        added, residual = nonnegative(cosines, -cosines)
        both = ops.logical_and(ops.expand_dims(alive, 0), ops.expand_dims(alive, 1))
        ratios = ops.where(both, ops.expand_dims(norms, 1) / ops.expand_dims(ops.where(alive, norms, 1.0), 0), 0.0)
        weights = 1.0 + ops.sum(ratios * added, axis=0)
        return self.solved(weights, ops.max(residual)) / ops.cast(ops.shape(gram)[0], "float64") + 0.0 * norms


BALANCERS.register(UPGrad, name="upgrad")
