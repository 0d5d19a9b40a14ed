"""FAMO, fast adaptive multitask optimization (Liu et al., NeurIPS 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _per_task
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class FAMO(Balancer):
    """Lowers all log losses at about the same rate, at the cost of one more forward pass a step.

    With z = softmax(ξ), D_t = L_t − b_t + 1e-8 and c = 1/Σ (z_t/D_t), taken as constant, the model descends c·Σ z_t·log D_t:
    w_t = c·z_t/D_t, which sum to 1. After the model's step the same batch is evaluated again, and an Adam of the
    balancer's own descends ξ along z⊙(δ − zᵀδ) + γξ, δ_t = log D_t(before) − log D_t(after): a task whose loss fell more
    than the others' loses weight. The softmax runs over the tasks that are present. The 1e-8 is the authors': losses far
    below it are no longer told apart. Outside of `fit`, call `look_again` yourself after each step.

    Args:
        learning_rate: of the Adam that trains ξ.
        decay: γ, the L2 decay of ξ.
        minimum: None for 0, or list of the least values b that the losses can take, one a task in the order of the tasks.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], the true ones
        (LibMTL reports a placeholder).

    Raises:
        TypeError: `minimum` is no list of numbers.
        ValueError: an argument is out of bounds, or `minimum` has not one number a task.

    Source: Liu, Feng, Stone and Liu, "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023, algorithm 1. γ is 1e-3
        there; the authors' code has 1e-5.

    >>> balancer = FAMO()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> losses, present = keras.ops.array([3.0, 1.0]), keras.ops.ones(2, dtype="bool")
    >>> [round(float(weight), 3) for weight in balancer(losses, present)]
    [0.25, 0.75]
    >>> balancer.look_again(losses, keras.ops.array([1.5, 1.0]), present)
    >>> [round(float(weight), 3) for weight in balancer(losses, present)]
    [0.241, 0.759]
    """

    looks_again = True

    def __init__(self, learning_rate=0.025, decay=1e-3, minimum=None, *, freeze_after=None, name="famo"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.decay = checks.number("decay", decay, low=0)
        self.minimum = _per_task.numbers("minimum", minimum)
        self.optimizer = keras.optimizers.Adam(self.learning_rate, epsilon=1e-8, name="famo_adam")

    def check_tasks(self, kinds):
        """Checks the number of tasks."""
        _per_task.check("minimum", self.minimum, len(kinds))

    def build(self, input_shape):
        """Makes ξ, [T], and the moments of its optimizer."""
        self.logits = self.state("logits", tuple(input_shape))
        self.optimizer.build([self.logits])

    def _above(self, losses):
        losses = ops.cast(losses, "float64")
        return losses + 1e-8 if self.minimum is None else losses - ops.convert_to_tensor(self.minimum, dtype="float64") + 1e-8

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        shares = _masked.softmax(ops.cast(self.logits, "float64"), present) / ops.where(present, self._above(losses), 1.0)
        return _masked.like(shares / ops.sum(shares), losses)

    def look_again(self, losses, new_losses, present):
        """Takes one Adam step on ξ; tasks without a label keep theirs."""
        there = _masked.any_of(present)
        shares = _masked.softmax(ops.cast(self.logits, "float64"), there)
        before, after = (ops.log(ops.where(there, self._above(values), 1.0)) for values in (losses, new_losses))
        fall = before - after
        gradient = shares * (fall - ops.sum(shares * fall)) + self.decay * ops.cast(self.logits, "float64")
        _masked.apply(self.optimizer, self.logits, gradient, present)

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"learning_rate": self.learning_rate, "decay": self.decay, "minimum": self.minimum}
        return {**super().get_config(), **own}


BALANCERS.register(FAMO, name="famo")
