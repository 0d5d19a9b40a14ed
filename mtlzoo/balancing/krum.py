"""Krum and Multi-Krum (Blanchard et al., NIPS 2017)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class Krum(GramBalancer):
    """Takes the mean of the task gradients that lie nearest to the others, and leaves out the rest.

    The score of i is the sum of its T − f − 2 smallest squared distances ‖g_i − g_j‖² = G_ii + G_jj − 2·G_ij to other rows; the
    m rows of the lowest scores get weight 1/m. Rows of the same score share what is left for them equally, so that the order of
    the tasks does not matter: two tasks get ½ each. TorchJD sums plain distances; the paper has squared ones. The choice jumps
    from step to step, and no claim is made on conflicts: it is meant for gradients of which f may be arbitrary.
    With fewer labelled tasks in a batch, f and m stay and at least one distance and one row count.

    Args:
        byzantine: f, the number of rows that may be arbitrary; the paper's claims need T ≥ 2·f + 3.
        selected: m, the number of rows that are averaged; 1 is Krum, more is Multi-Krum.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds, or there are too few tasks for `byzantine` (T < f + 3, f > 0) or `selected` (T < m).

    Source: Blanchard, El Mhamdi, Guerraoui and Stainer, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
        NIPS 2017, sections 4 and 5.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("krum", [[1.0, 0.0], [1.1, 0.0], [0.9, 0.0], [-9.0, 5.0]])
    >>> [float(value) for value in weights]
    [1.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, byzantine=0, selected=1, *, at="parameters", every=1, freeze_after=None, name="krum"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.byzantine = checks.integer("byzantine", byzantine, low=0)
        self.selected = checks.integer("selected", selected, low=1)

    def build(self, input_shape):
        """Checks that there are tasks enough."""
        if self.byzantine and input_shape[0] < self.byzantine + 3:
            raise ValueError(f"`byzantine` must be at most the number of tasks − 3, {input_shape[0] - 3}; received {self.byzantine}.")
        if input_shape[0] < self.selected:
            raise ValueError(f"`selected` must be at most the number of tasks, {input_shape[0]}; received {self.selected}.")

    def solve(self, gram, losses):
        """Returns the weights [t]."""
        tasks = ops.shape(gram)[0]
        squares = ops.diagonal(gram)
        distances = ops.maximum(squares[:, None] + squares[None, :] - 2.0 * gram, 0.0)
        places = ops.arange(tasks)
        others = ops.sort(ops.where(places[:, None] == places[None, :], float("inf"), distances), axis=1)
        # The last column is the row itself.
        counted = ops.logical_and(places < ops.maximum(tasks - self.byzantine - 2, 1), places < tasks - 1)
        scores = ops.sum(ops.where(counted[None, :], others, 0.0), axis=1)
        slack = 1e-12 * (scores[:, None] + scores[None, :])
        gap = scores[:, None] - scores[None, :]
        better = ops.sum(ops.cast(gap > slack, "float64"), axis=1)
        alike = ops.sum(ops.cast(ops.abs(gap) <= slack, "float64"), axis=1)
        selected = ops.cast(ops.minimum(self.selected, tasks), "float64")
        return ops.clip((selected - better) / alike, 0.0, 1.0) / selected

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "byzantine": self.byzantine, "selected": self.selected}


BALANCERS.register(Krum, name="krum")
