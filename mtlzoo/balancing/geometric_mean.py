"""The geometric mean of the losses (GLS; Chennupati et al., CVPR workshops 2019)."""

import keras
from keras import ops

from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class GeometricMean(Balancer):
    """Minimises the geometric mean of the losses: w_t = G/(T·L_t), G = (Π_s L_s)^(1/T).

    Scaling one loss scales all weighted gradients alike, so that the balance between tasks does not depend on the units of
    their losses. T counts the tasks that are present and whose loss is above 0: a loss of 0 is solved, it
    gets the weight 0 and leaves the mean, which would be 0 for all otherwise. Losses must not be negative (the weights are
    NaN then).

    Args:
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], the true ∂G/∂L_t
        (LibMTL reports others).

    Raises:
        ValueError: `freeze_after` is below 1.

    Source: Chennupati et al., "MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy for Multi-Task
        Learning", CVPR workshops 2019.

    >>> balancer = GeometricMean()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.array([4.0, 1.0]), keras.ops.ones(2, dtype="bool"))]
    [0.25, 1.0]
    """

    def __init__(self, *, freeze_after=None, name="geometric_mean"):
        super().__init__(freeze_after=freeze_after, name=name)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        logs, counts = _masked.logs(losses, present)
        tasks = ops.maximum(_masked.count(counts), 1.0)
        weights = ops.exp(_masked.total(logs, counts) / tasks - logs) / tasks
        return _masked.like(ops.where(counts, weights, 0.0), losses)


BALANCERS.register(GeometricMean, name="geometric_mean")
