"""Boltzmann weights of the losses: the soft maximum or the soft minimum."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class Energy(Balancer):
    """Minimises the free energy τ·log Σ exp(L_t/τ) of the losses: w = softmax(L/τ).

    The sign of τ says who is favoured. τ > 0 is a smooth maximum: the greatest loss gets the most, towards all of it as
    τ → 0. τ < 0 is a smooth minimum, the Boltzmann distribution of the losses as energies at the temperature −τ: the least loss
    gets the most. |τ| → ∞ gives 1/T each. τ is in the units of the losses, which should be alike. The softmax runs over the
    tasks that are present.

    Args:
        temperature: τ, not 0.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T] that sum to 1.

    Raises:
        ValueError: `temperature` is 0 or not finite.

    Source: the log-sum-exp of statistical mechanics; for τ > 0 the exponential tilt of Li et al., "Tilted Empirical Risk
        Minimization", ICLR 2021, over tasks in place of samples (t = 1/τ).

    >>> balancer = Energy(temperature=0.5)
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([1.0, 0.5]), keras.ops.ones(2, dtype="bool"))]
    [0.731, 0.269]
    """

    def __init__(self, temperature=1.0, *, freeze_after=None, name="energy"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.temperature = checks.number("temperature", temperature)
        if self.temperature == 0:
            raise ValueError("`temperature` must be above 0 (favours the greatest loss) or below 0 (favours the least); received 0.")

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        return _masked.like(_masked.softmax(ops.cast(losses, "float64") / self.temperature, present), losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}


BALANCERS.register(Energy, name="energy")
