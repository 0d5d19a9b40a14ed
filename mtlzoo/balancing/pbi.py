"""Penalty-based boundary intersection (PBI; Zhang and Li, 2007)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _per_task
from mtlzoo.balancing._preferring import PreferenceBalancer
from mtlzoo.balancing._registry import BALANCERS

# Below this share of ‖L − z‖ the distance from the ray is rounding, and has no direction.
_ON_THE_RAY = 1e-12


@keras.saving.register_keras_serializable(package="mtlzoo")
class PBI(PreferenceBalancer):
    """Leads the losses down a ray of preferences: d1 + θ·d2, d1 = (L − z)ᵀr̂ along it, d2 = ‖L − z − d1·r̂‖ away from it.

    w = r̂ + θ·(L − z − d1·r̂)/d2 with r̂ = r/‖r‖; on the ray, where d2 has no derivative, w = r̂. The weight of a loss below the
    ray can be negative, which raises it to reach the ray: with equal preferences never for θ ≤ 1/√(T − 1), with the 5 of MOEA/D
    as a rule. The default is low enough for five tasks, since a network that is to be trained is not to unlearn a task.

    Args:
        penalty: θ, at least 0.
        preferences: r, list of numbers above 0, one a task in the order of the tasks; None for equal ones; "told" for
            those that a model with the layer `ToldPreference` is told with the batch.
        ideal: z, list of the least values that the losses can take; None for 0.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        TypeError: `preferences` or `ideal` is no list of numbers.
        ValueError: an argument is out of bounds, or a list has not one number a task.

    Source: Zhang and Li, "MOEA/D: A Multiobjective Evolutionary Algorithm Based on Decomposition", IEEE Transactions on
        Evolutionary Computation 2007.

    >>> balancer = PBI()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([2.0, 1.0]), keras.ops.ones(2, dtype="bool"))]
    [1.061, 0.354]
    """

    def __init__(self, penalty=0.5, preferences=None, ideal=None, *, freeze_after=None, name="pbi"):
        super().__init__(preferences, freeze_after=freeze_after, name=name)
        self.penalty = checks.number("penalty", penalty, low=0)
        self.ideal = _per_task.numbers("ideal", ideal)

    def check_tasks(self, kinds):
        """Checks the number of tasks."""
        super().check_tasks(kinds)
        _per_task.check("ideal", self.ideal, len(kinds))

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        preferences = self.shares(present)
        towards = preferences / ops.sqrt(ops.sum(preferences**2))
        above = ops.cast(losses, "float64")
        if self.ideal is not None:
            above -= ops.convert_to_tensor(self.ideal, dtype="float64")
        above = ops.where(present, above, 0.0)
        aside = above - ops.sum(above * towards) * towards
        distance, length = ops.sqrt(ops.sum(aside**2)), ops.sqrt(ops.sum(above**2))
        off = distance > _ON_THE_RAY * length
        weights = towards + ops.where(off, self.penalty * aside / ops.where(off, distance, 1.0), 0.0)
        return _masked.like(weights, losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"penalty": self.penalty, "ideal": self.ideal}
        return {**super().get_config(), **own}


BALANCERS.register(PBI, name="pbi")
