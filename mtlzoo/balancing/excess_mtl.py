"""ExcessMTL, weights by excess risks (He et al., ICML 2024)."""

import math

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _blocks, _masked
from mtlzoo.balancing._jacobian import Direction, JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class ExcessMTL(JacobianBalancer):
    """Gives more to tasks that are still far from the best they can reach, which label noise does not look like.

    The excess risk of a task is e_i = Σ g_i²/√S_i over all entries, with S_i the sum of the squares g_i² of all its steps so far, and
    w_i ← w_i·exp(η·e_i/e_i(0)), scaled so that Σw = 1, from w = 1/T. e_i(0) is the excess of the task's first labelled step with a gradient
    that is not 0; up to then the ratio is 1, so that the first step leaves w as it is. Tasks without a label keep S and w, and the
    others share what they have, out of 1. Σw = 1 as in the paper, so that the learning rate is in effect 1/T of that of equal weights;
    the authors' code and LibMTL have Σw = T. The 1e-7 that they add to S is left out: with it, entries below 3e-4 count by their
    squares, and the scale of the gradients matters. TorchJD divides e by e(0) only from the second step on.

    Args:
        learning_rate: η, the step size of w; 0.01 as in the authors' code.
        every: as in `JacobianBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`.

    Raises:
        ValueError: an argument is out of bounds.

    Source: He, Zhou, Zhang, Yun, Xu, Zeng, Chilimbi and Zhao, "Robust Multi-Task Learning with Excess Risks", ICML 2024,
        eqs. 6 to 9 and section 3.2.

    >>> from mtlzoo.balancing import aggregate
    >>> balancer = ExcessMTL(learning_rate=1.0)
    >>> for length in (1.0, 0.1):
    ...     direction, weights = aggregate(balancer, [[length, 0.0], [0.0, 1.0]])
    >>> [round(float(value), 3) for value in weights]
    [0.332, 0.668]
    """

    def __init__(self, learning_rate=0.01, *, every=1, freeze_after=None, name="excess_mtl"):
        super().__init__(every=every, freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)

    def build(self, input_shape):
        """Makes √S, [T, size] a shared variable, e(0) and log w, [T]."""
        self.roots = self.kept("roots", input_shape[0])
        self.first = self.state("first", tuple(input_shape), dtype="float64")
        self.logits = self.state("logits", tuple(input_shape), -math.log(input_shape[0]), dtype="float64")
        self.moving = [*self.roots, self.first, self.logits]

    def direct(self, losses, present, jacobian, representation=None):
        """Returns the gradients as they are with the new w."""
        # The root of S has half its range: squares of float32 gradients would overflow or vanish.
        roots = [ops.hypot(ops.cast(root, block.dtype), block) for root, block in zip(self.roots, jacobian, strict=True)]
        excess = sum(_excess(block, root) for block, root in zip(jacobian, roots, strict=True))
        known = ops.convert_to_tensor(self.first)
        first = ops.where(ops.logical_and(present, known == 0), excess, known)
        ratios = ops.where(first > 0, excess / ops.where(first > 0, first, 1.0), 1.0)
        before, there = ops.convert_to_tensor(self.logits), _masked.any_of(present)
        moved = before + self.learning_rate * ratios
        weights = _masked.softmax(moved, there)
        shift = _masked.log_sum(before, there) - _masked.log_sum(moved, there)
        roots = [_blocks.choose(present, root, kept) for root, kept in zip(roots, self.roots, strict=True)]
        return Direction(None, weights, weights, (*roots, first, ops.where(present, moved + shift, before)))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}


def _excess(block, root):
    return ops.sum(ops.cast(block * ops.divide_no_nan(block, root), "float64"), axis=1)


BALANCERS.register(ExcessMTL, name="excess_mtl")
