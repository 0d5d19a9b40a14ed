"""MoCo, multi-objective gradient correction (Fernando et al., ICLR 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _blocks, _masked, _simplex
from mtlzoo.balancing._jacobian import Direction, JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class MoCo(JacobianBalancer):
    """Tracks each task's gradient by a moving average, and moves along the combination that a descent on its length has reached.

    With ĝ_i = L_i·g_i/‖g_i‖, y_i ← y_i − β_k·(y_i − ĝ_i) from y = 0, and λ ← Π(λ − γ_k·(Y·Yᵀ + ρI)·λ) from λ = 1/T, Π the projection
    on the simplex, the direction is Σ λ_i·y_i. Gradients of single batches give a biased MGDA; averages do not. In the k-th step
    β_k = β/k^σ and γ_k = γ/k^σ': a task counts the steps in which it has labels. Tasks without labels keep their y and λ, and the others
    share what they have of λ, out of 1. In the paper ĝ = g; the length L_i is an option of the authors' code, and what LibMTL has. L_i
    below 0 counts as 0. LibMTL and a part of the authors' code take a softmax for the projection, which draws λ back to 1/T at each
    step, and add 1e-8 to ‖g_i‖, left out here so that the scale of the gradients does not matter. The weights in the log are
    λ_i·L_i/‖g_i‖, which is what g_i is multiplied by once the averages have settled.

    Args:
        beta: β, from above 0 to 1.
        beta_sigma: σ, how fast β_k falls.
        gamma: γ, the size of the steps of λ.
        gamma_sigma: σ', how fast γ_k falls.
        rho: ρ, which draws λ to 1/T.
        every: as in `JacobianBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Fernando, Shen, Liu, Chaudhury, Murugesan and Chen, "Mitigating Gradient Bias in Multi-objective Learning: A Provably
        Convergent Approach", ICLR 2023, algorithm 1; defaults and lengths of ĝ as in LibMTL.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(MoCo(beta=1.0), [[5.0, 0.0], [0.0, 0.1]], losses=[1.0, 2.0])
    >>> [round(float(value), 6) for value in direction], [round(float(value), 6) for value in weights]
    ([0.575, 0.85], [0.115, 8.5])
    """

    reads_losses = True

    def __init__(
        self,
        beta=0.5,
        beta_sigma=0.5,
        gamma=0.1,
        gamma_sigma=0.5,
        rho=0.0,
        *,
        every=1,
        freeze_after=None,
        name="moco",
    ):
        super().__init__(every=every, freeze_after=freeze_after, name=name)
        self.beta = checks.number("beta", beta, low=0, high=1, strict=True)
        self.beta_sigma = checks.number("beta_sigma", beta_sigma, low=0)
        self.gamma = checks.number("gamma", gamma, low=0)
        self.gamma_sigma = checks.number("gamma_sigma", gamma_sigma, low=0)
        self.rho = checks.number("rho", rho, low=0)

    def build(self, input_shape):
        """Makes y, [T, size] a shared variable, λ and the counts of steps, [T]."""
        tasks = input_shape[0]
        self.tracked = self.kept("tracked", tasks)
        self.shares = self.state("shares", (tasks,), 1.0 / tasks, dtype="float64")
        self.counts = self.state("counts", (tasks,), dtype="float64")
        self.moving = [*self.tracked, self.shares, self.counts]

    def direct(self, losses, present, jacobian, representation=None):
        """Returns Σ λ_i·y_i with the new y and λ."""
        counts = self.counts + ops.cast(present, "float64")
        lengths = ops.where(present, ops.maximum(ops.cast(losses, "float64"), 0.0), 0.0)
        scales = ops.where(present, ops.minimum(ops.divide_no_nan(lengths, _blocks.norms(jacobian)), _masked.MOST), 0.0)
        rates = self.beta / ops.maximum(counts, 1.0) ** self.beta_sigma
        rows = [self._follow(*pair, present, scales, rates) for pair in zip(jacobian, self.tracked, strict=True)]
        step = self.gamma / ops.maximum(ops.max(ops.where(present, counts, 0.0)), 1.0) ** self.gamma_sigma
        factors, shares = self._descend(present, _blocks.gram(rows), step)
        return Direction(rows, factors, factors * scales, (*rows, shares, counts), scales)

    def _follow(self, block, kept, present, scales, rates):
        kept = ops.cast(kept, block.dtype)
        aim = _blocks.choose(present, block * _blocks.column(scales, block), kept)
        return kept + _blocks.column(rates, block) * (aim - kept)

    def _descend(self, present, gram, step):
        """Returns λ of the tasks that are present out of 1, [T], 0 for the others, and the new λ of all."""
        before, there = ops.convert_to_tensor(self.shares), _masked.any_of(present)
        whole = _masked.total(before, there)
        parts = ops.where(there, ops.where(whole > 0, before / ops.where(whole > 0, whole, 1.0), 1.0 / _masked.count(there)), 0.0)
        slope = ops.matmul(gram, parts[:, None])[:, 0] + self.rho * parts
        found = _simplex.project(parts - step * slope, there)
        return ops.where(present, found, 0.0), ops.where(present, whole * found, before)

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {key: getattr(self, key) for key in ("beta", "beta_sigma", "gamma", "gamma_sigma", "rho")}
        return {**super().get_config(), **own}


BALANCERS.register(MoCo, name="moco")
