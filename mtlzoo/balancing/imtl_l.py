"""The loss part of impartial multi-task learning (IMTL-L; Liu et al., ICLR 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS

# exp(80) is the greatest weight, far beyond 1/L of any loss that matters: the s of a loss of 0 grows without end.
_MOST = 80.0


@keras.saving.register_keras_serializable(package="mtlzoo")
class IMTLL(Balancer):
    """Learns a scale for each task that brings all losses to 1: w_t = exp(s_t).

    It minimises Σ exp(s_t)·L_t − s_t over s with an Adam of its own: at the network's learning rate s would hardly move. At
    its optimum exp(s_t) = 1/L_t. It is uncertainty weighting of all tasks as regressions with −s, times 2.

    Args:
        learning_rate: of the Adam that trains s; 0.025 as in the study of Nash-MTL (Navon et al. 2022).
        initial: s of every task at the start.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        ValueError: an argument is out of bounds.

    Source: Liu et al., "Towards Impartial Multi-Task Learning", ICLR 2021, section 3.2. LibMTL trains s with the network's
        optimizer.

    >>> balancer = IMTLL()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> losses, present = keras.ops.array([4.0, 0.5]), keras.ops.ones(2, dtype="bool")
    >>> balancer.update(losses, present)
    >>> [round(float(weight), 4) for weight in balancer(losses, present)]
    [0.9753, 1.0253]
    """

    def __init__(self, learning_rate=0.025, initial=0.0, *, freeze_after=None, name="imtl_l"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.initial = checks.number("initial", initial, low=-_MOST, high=_MOST)
        self.optimizer = keras.optimizers.Adam(self.learning_rate, name="imtl_l_adam")

    def build(self, input_shape):
        """Makes s, [T], and the moments of its optimizer."""
        self.scales = self.state("scales", tuple(input_shape), self.initial)
        self.optimizer.build([self.scales])

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        return ops.exp(_masked.like(self.scales, losses))

    def update(self, losses, present, gram=None):
        """Takes one Adam step on s; tasks without a label keep theirs."""
        gradient = ops.exp(self.scales) * ops.cast(losses, "float32") - 1.0
        _masked.apply(self.optimizer, self.scales, gradient, present)
        self.scales.assign(ops.clip(self.scales, -_MOST, _MOST))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate, "initial": self.initial}


BALANCERS.register(IMTLL, name="imtl_l")
