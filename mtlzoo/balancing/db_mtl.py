"""DB-MTL, dual balancing of losses and gradients (Lin et al. 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _blocks, _masked
from mtlzoo.balancing._base import Balancer, GramBalancer
from mtlzoo.balancing._jacobian import Direction, JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS

# Of the paper's code: the gradients are those of log(L + 1e-8).
_SHIFT = 1e-8


@keras.saving.register_keras_serializable(package="mtlzoo")
class DBMTL(GramBalancer, JacobianBalancer):
    """Averages the gradients of the log losses over the steps, and brings all of them to the length of the longest.

    With ∇log(L_i + 1e-8) = g_i/(L_i + 1e-8), b_i ← β_k·b_i + (1 − β_k)·g_i/(L_i + 1e-8) from b = 0 without a correction for that, and
    c_i = max_j‖b_j‖/‖b_i‖, the direction is Σ c_i·b_i. In a task's k-th step with labels β_k = β/k^σ. With β = 0 it is
    w_i = max_j(‖g_j‖/(L_j + 1e-8))/‖g_i‖, which needs the losses and the diagonal of G alone, and may be taken at the representation;
    with β > 0 the b take T·d numbers. A zero gradient gets weight 0. The weights in the log are c_i/(L_i + 1e-8). The heads
    of the paper take the plain log losses; here, as with all balancers of gradients, they take their own loss as it is.

    Args:
        beta: β, how much of the average stays, from 0 (none is kept) to below 1.
        beta_sigma: σ, how fast β_k falls.
        at: as in `GramBalancer`; "representation" only with beta=0.
        every: as in `JacobianBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; with beta=0, called with losses [T], present [T] and G [T, T] it gives weights [T],
        float64.

    Raises:
        ValueError: an argument is out of bounds, or at="representation" with beta above 0.

    Source: Lin, Jiang, Ye, Zhang, Chen, Chen, Liu and Kwok, "Dual-Balancing for Multi-Task Learning", arXiv 2308.12029, section 3;
        defaults as in its code.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(DBMTL(beta=0.0), [[1.0, 0.0], [0.0, 3.0]], losses=[0.1, 1.0])
    >>> [round(float(value), 5) for value in direction]
    [10.0, 10.0]
    """

    reads_losses = True

    def __init__(self, beta=0.9, beta_sigma=0.0, *, at="parameters", every=1, freeze_after=None, name="db_mtl"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.beta = checks.number("beta", beta, low=0)
        if self.beta >= 1:
            raise ValueError(f"`beta` must be below 1, or the averages never move; received {beta!r}.")
        self.beta_sigma = checks.number("beta_sigma", beta_sigma, low=0)
        if self.beta > 0 and at == "representation":
            raise ValueError(f"`at` must be 'parameters' with beta above 0, whose averages outlast a batch; received {at!r} and {beta!r}.")
        self.needs = "jacobian" if self.beta > 0 else "gram"

    def build(self, input_shape):
        """Makes b, [T, size] a shared variable, and the counts of steps, [T], if there are averages."""
        if self.beta > 0:
            self.averages = self.kept("averages", input_shape[0])
            self.counts = self.state("counts", tuple(input_shape), dtype="float64")
            self.moving = [*self.averages, self.counts]

    def solve(self, gram, losses):
        """Returns the weights [t] without averages."""
        inverse = _inverse(losses)
        return _stretch(ops.sqrt(ops.maximum(ops.diagonal(gram), 0.0)) * inverse) * inverse

    def direct(self, losses, present, jacobian, representation=None):
        """Returns Σ c_i·b_i with the new b."""
        counts = self.counts + ops.cast(present, "float64")
        inverse = ops.where(present, _inverse(losses), 0.0)
        left = self.beta / ops.maximum(counts, 1.0) ** self.beta_sigma
        rows = [self._average(*pair, present, inverse, left) for pair in zip(jacobian, self.averages, strict=True)]
        factors = _stretch(ops.where(present, _blocks.norms(rows), 0.0))
        return Direction(rows, factors, ops.minimum(factors * inverse, _masked.MOST), (*rows, counts), inverse)

    def _average(self, block, kept, present, inverse, left):
        kept = ops.cast(kept, block.dtype)
        fresh = _blocks.choose(present, block * _blocks.column(inverse, block), kept)
        return fresh + _blocks.column(left, block) * (kept - fresh)

    def update(self, losses, present, state=()):
        """Moves b, if there are averages."""
        if self.beta > 0:
            super().update(losses, present, state)

    def combine(self, losses, present, jacobian):
        """Moves by one step on one matrix [T, d]; see `Balancer.combine`."""
        return (JacobianBalancer if self.beta > 0 else Balancer).combine(self, losses, present, jacobian)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "beta": self.beta, "beta_sigma": self.beta_sigma}


def _inverse(losses):
    return 1.0 / (ops.maximum(ops.cast(losses, "float64"), 0.0) + _SHIFT)


def _stretch(lengths):
    return ops.minimum(ops.divide_no_nan(ops.max(lengths), lengths), _masked.MOST)


BALANCERS.register(DBMTL, name="db_mtl")
