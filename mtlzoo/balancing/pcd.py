"""PCD, priority-constrained descent (Varam et al., TMLR 2026)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _gram, _masked, _qp
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class PCD(GramBalancer):
    """Follows the first task's gradient as closely as the others allow: each of them gets a share τ of the progress of its own.

    With g̃_i = g_i/√v_i, v_i the moving average of ‖g_i‖² (decay β, without bias): d = argmin ½‖d − g̃_1‖² subject to
    g̃_jᵀd ≥ τ·‖g̃_j‖² for j ≥ 2, rescaled to the length of g_1. If no direction does that, d = g_1. So d = g̃_1 + Σ μ_j·g̃_j with
    μ_j ≥ 0: a nonnegative quadratic programme in G, solved exactly. **The order of the tasks counts**: the first is the deliverable. In
    a batch without a label of the first, the next one that has labels stands in for it. Where g_1 = 0, or d = 0, the weights are 0.
    The ε = 1e-8 that TorchJD adds to v is left out, so that the scale of the gradients does not matter.

    Args:
        share: τ, from 0 (no conflict) to 1.
        decay: β of the moving average, from 0 to below 1.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: "Not All Objectives Are Born Equal: Priority-Constrained Descent for Hierarchical Multi-Objective Optimization",
        TMLR 2026, arXiv 2606.29521.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(PCD(share=0.5), [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 3) for value in direction]
    [0.894, 0.447]
    """

    def __init__(self, share=0.02, decay=0.999, *, at="parameters", every=1, freeze_after=None, name="pcd"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.share = checks.number("share", share, low=0, high=1)
        self.decay = checks.number("decay", decay, low=0)
        if self.decay >= 1:
            raise ValueError(f"`decay` must be below 1, or the average never moves; received {decay!r}.")

    def build(self, input_shape):
        """Makes the sums of the moving average, [T], and of its weights."""
        self.squares = self.state("squares", tuple(input_shape), dtype="float64")
        self.shares = self.state("shares", tuple(input_shape), dtype="float64")

    def call(self, losses, present, gram):
        """Returns the weights [T]."""
        squares, shares = self._moved(gram)
        rows = ops.nonzero(_masked.any_of(present))[0]
        average = ops.take(squares / shares, rows)
        return self.among_present(lambda gram, losses: self._descend(gram, average), losses, present, gram)

    def update(self, losses, present, gram=None):
        """Moves the averages of the tasks that are present."""
        for kept, moved in zip((self.squares, self.shares), self._moved(gram), strict=True):
            kept.assign(ops.where(present, moved, ops.convert_to_tensor(kept)))

    def _moved(self, gram):
        kept, new = self.decay, 1.0 - self.decay
        return kept * self.squares + new * ops.cast(ops.diagonal(gram), "float64"), kept * self.shares + new

    def _descend(self, gram, average):
        norms, cosines, alive = _gram.unit(gram)
        lengths = norms / ops.where(average > 0, ops.sqrt(average), 1.0)
        first = ops.arange(ops.shape(norms)[0]) == 0
        secondary = ops.logical_and(alive, ops.logical_not(first))
        # What each secondary task still lacks of its share along g̃_1, over its length.
        lacking = ops.where(secondary, self.share * lengths - lengths[0] * cosines[0], 0.0)
        scale = ops.max(ops.abs(lacking))
        both = ops.logical_and(secondary[:, None], secondary[None, :])
        matrix = ops.where(both, cosines, ops.eye(ops.shape(norms)[0], dtype="float64"))
        linear = ops.where(secondary, lacking / ops.where(scale > 0, scale, 1.0), -1.0)
        found, _ = _qp.nonnegative(matrix, linear[None, :])
        found = ops.where(secondary, found[0], 0.0)
        reached = _gram.times(matrix, found[None, :])[0] - linear
        solved = ops.min(ops.where(secondary, reached, 0.0)) > -1e-8
        solved = ops.logical_and(solved, ops.max(ops.abs(found * reached)) <= 1e-8 * ops.maximum(1.0, ops.max(found) ** 2))
        # No direction serves all exactly if a nonnegative sum of their gradients that they lack is 0.
        total = ops.sum(found)
        sums = found / ops.where(total > 0, total, 1.0)
        impossible = ops.logical_and(ops.sum(sums * _gram.times(matrix, sums[None, :])[0]) < 1e-8, ops.sum(sums * linear) > 0)
        parts = ops.where(first, lengths[0], ops.where(solved, found * scale, 0.0))
        square = ops.sum(parts * _gram.times(cosines, parts[None, :])[0])
        real = ops.logical_and(norms[0] > 0, square > 1e-15 * ops.sum(ops.abs(parts)) ** 2)
        stretch = ops.where(real, norms[0] / ops.sqrt(ops.where(real, square, 1.0)), 0.0)
        weights = ops.where(alive, stretch * parts / ops.where(alive, norms, 1.0), 0.0)
        return ops.where(ops.logical_or(solved, impossible), weights, float("nan"))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "share": self.share, "decay": self.decay}


BALANCERS.register(PCD, name="pcd")
