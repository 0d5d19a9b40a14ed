"""LDC-MTL, loss discrepancy control (Xiao et al., 2025), with weights that do not look at the input."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS

# Weighted losses that differ by less are equal up to rounding, as all are at the first step: their difference has no sign.
_ALIKE = 1e-12


@keras.saving.register_keras_serializable(package="mtlzoo")
class LDCMTL(Balancer):
    """Learns weights for which the weighted losses of neighbouring tasks are alike, in one step with the model.

    With v = σ(s) and normalised losses l, model and s descend Σ v_t·l_t/V + λ·Σ |v_t·l_t − v_u·l_u|, where V = Σ v_t is
    taken as constant and u is the next task that is present, in the order of the tasks: another order of the tasks is another
    objective. w_t = v_t·(1/V + λ·(sign_t − sign_before))/c_t, which can be below 0 for λ > 1/V; s has an Adam of its own.
    "rescaled" divides by c_t = L_t/min L at the first step (for a task that comes later, L_t at its first over the same minimum),
    so that all tasks start alike; "none" takes c = 1.

    Args:
        penalty: λ; the authors use 0.01 (CelebA), 0.05 (NYUv2, QM9) and 0.1 (Cityscapes).
        normalisation: "rescaled" or "none".
        learning_rate: of the Adam that trains s.
        initial: s of every task at the start; 1 as in the authors' code for CelebA.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        ValueError: an argument is unknown or out of bounds.

    Source: Xiao, Dong, Zou and Ji, "LDC-MTL: Balancing Multi-Task Learning through Scalable Loss Discrepancy Control",
        arXiv 2502.08585. The objective and v = σ(s) are those of the authors' code for CelebA (OptMN-Lab/LDC-MTL at 275faa7) and the
        normalisation that for NYUv2. Where their v comes from the features (NYUv2) a balancer cannot follow, and their
        optimizer of s is the model's.

    >>> balancer = LDCMTL(penalty=0.1, normalisation="none")
    >>> balancer.set_tasks(["regression"] * 3)
    >>> weights = balancer(keras.ops.array([3.0, 2.0, 1.0]), keras.ops.ones(3, dtype="bool"))
    >>> [round(float(weight), 3) for weight in weights]
    [0.406, 0.333, 0.26]
    """

    def __init__(self, penalty=0.05, normalisation="rescaled", learning_rate=0.025, initial=1.0, *, freeze_after=None, name="ldcmtl"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.penalty = checks.number("penalty", penalty, low=0)
        self.normalisation = checks.one_of("normalisation", normalisation, ["rescaled", "none"])
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.initial = checks.number("initial", initial)
        self.optimizer = keras.optimizers.Adam(self.learning_rate, name="ldcmtl_adam")

    def build(self, input_shape):
        """Makes s [T] and the moments of its optimizer, the first losses [T] and the least of the first step."""
        self.logits = self.state("logits", tuple(input_shape), self.initial)
        self.first = self.state("first", tuple(input_shape), dtype="float64")
        self.least = self.state("least", (), dtype="float64")
        self.optimizer.build([self.logits])

    def _scales(self, losses, present):
        """Returns c [T] and what the first losses and their minimum are from now on."""
        losses = ops.cast(losses, "float64")
        usable = ops.logical_and(present, losses >= _masked.LEAST)
        first = ops.where(ops.logical_and(usable, self.first == 0), losses, self.first)
        now = ops.min(ops.where(usable, losses, float("inf")))
        least = ops.where(ops.logical_and(self.least == 0, ops.any(usable)), now, self.least)
        known = ops.logical_and(first > 0, least > 0)
        scales = ops.where(known, first / ops.where(known, least, 1.0), 1.0)
        return (scales if self.normalisation == "rescaled" else ops.ones_like(scales)), first, least

    def _pull(self, losses, present):
        """Returns v [T], and what multiplies v·∇L and L·∇v: (1/V + λ·(sign − sign before))/c, [T]."""
        there = _masked.any_of(present)
        scales, first, least = self._scales(losses, there)
        parts = ops.sigmoid(ops.cast(self.logits, "float64"))
        rows = ops.nonzero(there)[0]
        values = ops.take(parts * ops.cast(losses, "float64") / scales, rows)
        gaps, sizes = values[:-1] - values[1:], ops.maximum(values[:-1], values[1:])
        signs = ops.pad(ops.where(ops.abs(gaps) > _ALIKE * sizes, ops.sign(gaps), 0.0), [[1, 1]])
        across = ops.scatter(ops.expand_dims(rows, -1), signs[1:] - signs[:-1], ops.shape(there))
        pull = (1.0 / _masked.total(parts, there) + self.penalty * across) / scales
        return parts, ops.where(there, pull, 0.0), first, least

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        parts, pull, _, _ = self._pull(losses, present)
        return _masked.like(parts * pull, losses)

    def update(self, losses, present, gram=None):
        """Takes one Adam step on s; tasks without a label keep theirs."""
        parts, pull, first, least = self._pull(losses, present)
        _masked.apply(self.optimizer, self.logits, ops.cast(losses, "float64") * pull * parts * (1 - parts), present)
        self.first.assign(ops.where(present, first, self.first))
        self.least.assign(least)

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"penalty": self.penalty, "normalisation": self.normalisation, "learning_rate": self.learning_rate, "initial": self.initial}
        return {**super().get_config(), **own}


BALANCERS.register(LDCMTL, name="ldcmtl")
