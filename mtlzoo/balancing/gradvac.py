"""GradVac, the gradient vaccine (Wang et al., ICLR 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS

# Targets stay this far from ±1, where no finite step reaches them; gradients that are used up to this share (squared) count as 0.
_LIMIT, _USED_UP = 1.0 - 1e-9, 1e-14


@keras.saving.register_keras_serializable(package="mtlzoo")
class GradVac(GramBalancer):
    """Raises the cosine of each two task gradients to what it has been so far, in the manner of PCGrad, and sums the results.

    For each i: v = g_i; for j ≠ i in random order, with φ = cos(v, g_j) and the target φ̂_ij: if φ < φ̂_ij,
    v ← v + ‖v‖·(φ̂_ij·√(1 − φ²) − φ·√(1 − φ̂_ij²)) / (‖g_j‖·√(1 − φ̂_ij²))·g_j, so that cos(v, g_j) = φ̂_ij; then in any case
    φ̂_ij ← (1 − β)·φ̂_ij + β·φ. Targets start from 0, where the method is PCGrad. All shared parameters form one group ("whole
    model" in the paper, which also has groups by layer). Zero gradients have no cosine and leave targets as they are.
    LibMTL and TorchJD have β = 0.5.

    Args:
        beta: how fast targets follow, from 0 to 1; 0.01 as in the paper.
        seed: an int that decides the orders.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Wang, Tsvetkov, Firat and Cao, "Gradient Vaccine: Investigating and Improving Multi-task Optimization in Massively
        Multilingual Models", ICLR 2021, eqs. 2 and 3 and algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("gradvac", [[1.0, 0.0], [-1.0, 1.0]])
    >>> [round(float(value), 6) for value in direction]
    [0.5, 1.5]
    """

    draws = True

    def __init__(self, beta=0.01, seed=0, *, at="parameters", every=1, freeze_after=None, name="gradvac"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.beta = checks.number("beta", beta, low=0, high=1)
        self.seed = checks.integer("seed", seed, low=0)

    def build(self, input_shape):
        """Makes the targets, [T, T]."""
        self.targets = self.state("targets", (input_shape[0], input_shape[0]), dtype="float64")

    def call(self, losses, present, gram):
        """Returns the weights [T]."""
        targets = self._targets_of(present)[0]
        return self.among_present(lambda gram, losses: self._vaccinate(gram, targets)[0], losses, present, gram)

    def update(self, losses, present, gram=None):
        """Moves the targets of the pairs that are present; the orders are those of `call`, drawn again."""
        targets, chosen = self._targets_of(present)
        gram = ops.matmul(ops.matmul(chosen, ops.cast(gram, "float64")), ops.transpose(chosen))
        moved = self._vaccinate(gram, targets)[1]
        moved = ops.matmul(ops.matmul(ops.transpose(chosen), moved), chosen)
        self.targets.assign(ops.where(ops.logical_and(present[:, None], present[None, :]), moved, self.targets))

    def _targets_of(self, present):
        """The targets of the tasks that are present [t, t], and the rows of the unit matrix that choose them [t, T]."""
        rows = ops.nonzero(_masked.any_of(present))[0]
        chosen = ops.take(ops.eye(len(self.kinds), dtype="float64"), rows, axis=0)
        return ops.matmul(ops.matmul(chosen, ops.convert_to_tensor(self.targets)), ops.transpose(chosen)), chosen

    def _vaccinate(self, gram, targets):
        cosines, norms, inverse = _unit_rows.unit_rows(gram)
        tasks = ops.shape(gram)[0]

        def step(rows, against, targets):
            column = ops.one_hot(against, tasks, dtype="float64")
            squares = ops.sum(rows * ops.matmul(rows, cosines), axis=1)
            real = squares > _USED_UP * ops.maximum(1.0, ops.sum(rows**2, axis=1))
            real = ops.logical_and(real, ops.logical_and(norms > 0, ops.take(norms, against) > 0))
            length = ops.sqrt(ops.where(real, squares, 1.0))
            cosine = ops.clip(ops.sum(rows * ops.take(cosines, against, axis=0), axis=1) / length, -1.0, 1.0)
            target = ops.sum(targets * column, axis=1)
            bounded = ops.clip(target, -_LIMIT, _LIMIT)
            push = length * (bounded * ops.sqrt((1 - cosine**2) / (1 - bounded**2)) - cosine)
            push = ops.where(ops.logical_and(real, cosine < bounded), push, 0.0)
            moved = ops.where(real, self.beta * (cosine - target), 0.0)
            return rows + push[:, None] * column, targets + moved[:, None] * column

        order = _unit_rows.orders(tasks, self.seed, self.steps)
        rows, targets = _unit_rows.one_by_one(step, (ops.eye(tasks, dtype="float64"), targets), order)
        return _unit_rows.combine(rows, norms, inverse), targets

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "beta": self.beta, "seed": self.seed}


BALANCERS.register(GradVac, name="gradvac")
