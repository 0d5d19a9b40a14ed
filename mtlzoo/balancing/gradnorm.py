"""GradNorm (Chen et al., ICML 2018)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS
from mtlzoo.balancing._task_adam import TaskAdam


@keras.saving.register_keras_serializable(package="mtlzoo")
class GradNorm(GramBalancer):
    """Learns weights that bring the norms of the weighted task gradients to one level, higher for tasks that train slowly.

    With w = 1 at first, G_i = w_i·‖g_i‖, Ḡ = mean G, and the relative inverse training rate r_i = (L_i/L_i(0))/mean(L/L(0)), each
    step takes one step on w that lessens Σ|G_i − Ḡ·r_iᵅ| with Ḡ·r_iᵅ held (its gradient is sign(G_i − Ḡ·r_iᵅ)·‖g_i‖), then scales
    w so that Σw = T. Only the diagonal of G counts. L_i(0) is the loss of the task's first labelled step that is above 0.
    Weights that a step would take below 0 become 0 (the paper leaves this open; sign and gradient bring them back), and tasks
    without a label keep theirs, so that the others keep their sum. The gradients are over all shared parameters or at the
    representation, where the paper takes the last shared layer; the heads of the paper take w too, here their own loss as it is.
    LibMTL trains w through a softmax with the model's own learning rate, which is 54 % off after five steps.

    Args:
        asymmetry: α, from 0 (equal norms) up; 1.5 in most of the paper, 0.12 where tasks are alike.
        learning_rate: of the optimizer of w; 0.025 as in the paper.
        optimizer: "adam", whose steps do not depend on the scale of the gradients, or "sgd" on norms relative to their mean.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Chen, Badrinarayanan, Lee and Rabinovich, "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep
        Multitask Networks", ICML 2018, section 3 and algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> balancer = GradNorm(learning_rate=0.5)
    >>> for _ in range(2):
    ...     direction, weights = aggregate(balancer, [[1.0, 0.0], [0.0, 3.0]], losses=[1.0, 1.0])
    >>> [round(float(value), 3) for value in weights]
    [1.5, 0.5]
    """

    reads_losses = True

    def __init__(
        self,
        asymmetry=1.5,
        learning_rate=0.025,
        optimizer="adam",
        *,
        at="parameters",
        every=1,
        freeze_after=None,
        name="gradnorm",
    ):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.asymmetry = checks.number("asymmetry", asymmetry, low=0)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.rule = checks.one_of("optimizer", optimizer, ["adam", "sgd"])

    def build(self, input_shape):
        """Makes w, L(0), [T], and the moments of Adam."""
        self.factors = self.state("factors", tuple(input_shape), 1.0, dtype="float64")
        self.first_losses = self.state("first_losses", tuple(input_shape), 0.0, dtype="float64")
        self.adam = TaskAdam(self, input_shape[0], self.learning_rate) if self.rule == "adam" else None

    def call(self, losses, present, gram):
        """Returns the weights [T]; 0 for tasks without a label."""
        factors = ops.convert_to_tensor(self.factors)
        return ops.where(_masked.any_of(present), factors, ops.zeros_like(factors))

    def update(self, losses, present, gram=None):
        """Takes one step on w; tasks without a label keep theirs."""
        losses = ops.maximum(ops.cast(losses, "float64"), 0.0)
        missing = ops.logical_and(present, ops.logical_and(self.first_losses == 0, losses > _masked.LEAST))
        self.first_losses.assign(ops.where(missing, losses, self.first_losses))
        before = ops.convert_to_tensor(self.factors) + 0.0
        gradient = self._gradient(before, losses, present, ops.cast(ops.diagonal(gram), "float64"))
        change = -self.learning_rate * gradient if self.adam is None else self.adam.step(gradient, present)
        moved = ops.maximum(before + change, 0.0)
        after = _masked.total(moved, present)
        scaled = ops.where(after > 0, moved * _masked.total(before, present) / ops.where(after > 0, after, 1.0), before)
        self.factors.assign(ops.where(present, scaled, before))

    def _gradient(self, factors, losses, present, squares):
        count = ops.maximum(_masked.count(present), 1.0)
        norms = ops.sqrt(ops.maximum(squares, 0.0))
        known = ops.convert_to_tensor(self.first_losses)
        ratios = ops.where(known > 0, losses / ops.where(known > 0, known, 1.0), 1.0)
        level = _masked.total(ratios, present) / count
        rates = ops.where(level > 0, ratios / ops.where(level > 0, level, 1.0), 1.0)
        mean = _masked.total(factors * norms, present) / count
        gap = factors * norms - mean * rates**self.asymmetry
        # Norms that are level up to rounding are level.
        gap = ops.where(ops.abs(gap) > 1e-12 * mean, gap, ops.zeros_like(gap))
        if self.rule == "sgd":
            norms = norms / ops.where(mean > 0, mean, 1.0)
        return ops.sign(gap) * norms

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"asymmetry": self.asymmetry, "learning_rate": self.learning_rate, "optimizer": self.rule}
        return {**super().get_config(), **own}


BALANCERS.register(GradNorm, name="gradnorm")
