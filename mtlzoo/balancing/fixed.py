"""Fixed weights, one number a task."""

import keras
from keras import ops

from mtlzoo.balancing import _per_task
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class FixedWeights(Balancer):
    """Weighs each task by a number that stays: the tuned fixed weights that most methods are no better than.

    They multiply the alphas, and are logged as the weights of other balancers are. A balancer knows no names: to give
    weights by name, use the alphas (`compile(loss_weights={...})`).

    Args:
        weights: list of numbers, at least 0, one a task in the order of `model.tasks`; None for 1 each. They are taken as
            they are, not scaled to a sum.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        TypeError: `weights` is no list or tuple of numbers (a dict is refused: its order is not the tasks').
        ValueError: a weight is negative or not finite, or the number of weights is not the number of tasks.

    Source: Xin et al., "Do Current Multi-Task Optimization Methods in Deep Learning Even Help?", NeurIPS 2022.

    >>> balancer = FixedWeights([0.25, 2.0])
    >>> balancer.set_tasks(["regression", "multiclass"])
    >>> [float(weight) for weight in balancer(keras.ops.ones(2), keras.ops.ones(2, dtype="bool"))]
    [0.25, 2.0]
    """

    reads_losses = False

    def __init__(self, weights=None, *, freeze_after=None, name="fixed"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.fixed = _per_task.numbers("weights", weights, low=0)

    def check_tasks(self, kinds):
        """Checks the number of tasks."""
        _per_task.check("weights", self.fixed, len(kinds))

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        if self.fixed is None:
            return ops.ones_like(losses)
        return ops.convert_to_tensor(self.fixed, dtype=losses.dtype)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "weights": self.fixed}


BALANCERS.register(FixedWeights, name="fixed")
