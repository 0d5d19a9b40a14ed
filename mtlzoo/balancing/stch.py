"""Smooth Tchebycheff scalarization (Lin et al., ICML 2024)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _per_task
from mtlzoo.balancing._preferring import PreferenceBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class STCH(PreferenceBalancer):
    """Minimises a smooth form of the greatest weighted loss: μ·log Σ exp(λ_t·(L_t − z_t)/μ).

    w_t = λ_t·p_t with p = softmax(λ(L − z)/μ): the smaller μ, the more goes to the task that is worst off its ideal z.
    With the right preferences λ it reaches every point of the Pareto front, also where it is not convex. It compares
    losses with each other: bring them to like units first, or use "stch_staged".

    Args:
        mu: μ, in the units of λ·L.
        preferences: λ, list of numbers above 0, one a task in the order of the tasks; None for 1/T, T the number of tasks
            with labels in the batch; "told" for those that a model with the layer `ToldPreference` is told with the batch.
        ideal: z, list of the least values that the losses can take; None for 0.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        TypeError: `preferences` or `ideal` is no list of numbers.
        ValueError: an argument is out of bounds, or a list has not one number a task.

    Source: Lin, Zhang, Yang et al., "Smooth Tchebycheff Scalarization for Multi-Objective Optimization", ICML 2024.

    >>> balancer = STCH(mu=0.5)
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([2.0, 1.0]), keras.ops.ones(2, dtype="bool"))]
    [0.366, 0.134]
    """

    def __init__(self, mu=1.0, preferences=None, ideal=None, *, freeze_after=None, name="stch"):
        super().__init__(preferences, freeze_after=freeze_after, name=name)
        self.mu = checks.number("mu", mu, low=0, strict=True)
        self.ideal = _per_task.numbers("ideal", ideal)

    def check_tasks(self, kinds):
        """Checks the number of tasks."""
        super().check_tasks(kinds)
        _per_task.check("ideal", self.ideal, len(kinds))

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        above = ops.cast(losses, "float64")
        if self.ideal is not None:
            above -= ops.convert_to_tensor(self.ideal, dtype="float64")
        preferences = self.shares(present)
        weights = preferences * _masked.softmax(preferences * above / self.mu, present)
        return _masked.like(weights, losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mu": self.mu, "ideal": self.ideal}


BALANCERS.register(STCH, name="stch")
