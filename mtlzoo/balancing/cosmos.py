"""The preference loss of COSMOS (Ruchte and Grabocka, ICDM 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._preferring import PreferenceBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class COSMOS(PreferenceBalancer):
    """Minimises rᵀL − λ·cos(r, L): a weighted sum of the losses that also turns their vector towards the preferences r.

    w = r − λ·(r/‖r‖ − cos(r, L)·L/‖L‖)/‖L‖. Weights can be below 0: where turning matters more than falling, a loss that is small
    for its preference is raised. The first term has the units of the losses and the second none: λ is tuned for the data.
    Where all losses are 0 the cosine is left out. In the paper r is drawn at each step and fed to the network:
    `mtlzoo.tuning.train_front` does that, with preferences="told"; preferences that are numbers stay.

    Args:
        penalty: λ; 0 leaves the weighted sum. The paper uses 0.01 to 8, as the data set asks.
        preferences: r, list of numbers above 0, one a task in the order of the tasks; None for 1/T, T the number of tasks
            with labels in the batch; "told" for those that a model with the layer `ToldPreference` is told with the batch.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        TypeError: `preferences` is no list of numbers.
        ValueError: an argument is out of bounds, or `preferences` has not one number a task.

    Source: Ruchte and Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective Learning", ICDM 2021, eq. 5.

    >>> balancer = COSMOS(penalty=2.0)
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([2.0, 1.0]), keras.ops.ones(2, dtype="bool"))]
    [0.626, 0.247]
    """

    def __init__(self, penalty=1.0, preferences=None, *, freeze_after=None, name="cosmos"):
        super().__init__(preferences, freeze_after=freeze_after, name=name)
        self.penalty = checks.number("penalty", penalty, low=0)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        preferences = self.shares(present)
        towards = preferences / ops.sqrt(ops.sum(preferences**2))
        given = ops.where(present, ops.cast(losses, "float64"), 0.0)
        length = ops.sqrt(ops.sum(given**2))
        safe = ops.where(length > 0, length, 1.0)
        across = towards - ops.sum(towards * given / safe) * given / safe
        weights = preferences - ops.where(length > 0, self.penalty / safe, 0.0) * across
        return _masked.like(weights, losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "penalty": self.penalty}


BALANCERS.register(COSMOS, name="cosmos")
