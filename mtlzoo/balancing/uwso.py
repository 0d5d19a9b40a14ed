"""Soft optimal uncertainty weighting (UW-SO; Kirchdorfer et al., GCPR 2024)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class UWSO(Balancer):
    """Weighs the tasks by the softmax of their inverse losses: w = softmax((1/L)/τ), taken as constant.

    1/L is the optimum of uncertainty weighting, had at once instead of learned; the softmax keeps one small loss from
    taking all. τ has the units of 1/L and is tuned for the data at hand. The softmax runs over the tasks that are present. A loss of
    0 is solved: it gets the weight 0 and leaves the softmax, all of which it would take. Losses must not be negative (the
    weights are NaN then).

    Args:
        temperature: τ; the larger, the more equal the weights.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T] that sum to 1.

    Raises:
        ValueError: `temperature` is not above 0.

    Source: Kirchdorfer et al., "Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning", GCPR 2024. Public
        code adds 1e-8 to the losses; here nothing is added.

    >>> balancer = UWSO()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([1.0, 0.5]), keras.ops.ones(2, dtype="bool"))]
    [0.269, 0.731]
    """

    def __init__(self, temperature=1.0, *, freeze_after=None, name="uwso"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.temperature = checks.number("temperature", temperature, low=0, strict=True)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        logs, counts = _masked.logs(losses, present)
        weights = _masked.softmax(ops.exp(-logs) / self.temperature, _masked.any_of(counts))
        return _masked.like(ops.where(counts, weights, 0.0), losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}


BALANCERS.register(UWSO, name="uwso")
