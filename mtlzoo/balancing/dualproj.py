"""DualProj: the mean gradient projected so that it conflicts with no task (Lopez-Paz and Ranzato, NIPS 2017)."""

import keras
from keras import ops

from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import times, unit
from mtlzoo.balancing._qp import nonnegative
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class DualProj(GramBalancer):
    """Projects the mean gradient on the directions that conflict with no task: w = argmin vᵀGv over v ≥ 1/T.

    It is the gradient episodic memory's step, with the mean in the place of the new task's gradient. The programme is solved
    exactly for the gradients in units of their norms; TorchJD regularises it, which lets long gradients conflict with short ones.

    Args:
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; its weights are 1/T or more.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NIPS 2017, eq. 11; named in Quinton and
    Rey, "Jacobian Descent for Multi-Objective Optimization", 2024, appendix B.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("dualproj", [[2.0, 0.0], [-1.0, 1.0]])
    >>> [round(float(value), 6) for value in direction], [round(float(value), 6) for value in weights]
    ([0.5, 0.5], [0.5, 0.5])
    """

    solves = True

    def __init__(self, *, at="parameters", every=1, freeze_after=None, name="dualproj"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        norms, cosines, alive = unit(gram)
        lengths = norms / ops.where(ops.any(alive), ops.max(norms), 1.0)
        safe = ops.where(ops.isfinite(lengths), lengths, 0.0)
        added, residual = nonnegative(cosines, -times(cosines, ops.expand_dims(safe, 0)))
        weights = 1.0 + added[0] / ops.where(alive, lengths, 1.0)
        return self.solved(weights, residual[0]) / ops.cast(ops.shape(gram)[0], "float64") + 0.0 * norms


BALANCERS.register(DualProj, name="dualproj")
