"""Equal weights: the baseline that every other balancer is compared with."""

import keras
from keras import ops

from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class EqualWeights(Balancer):
    """Weighs every task by 1, so that only the alphas count: the baseline of every comparison.

    It trains as no balancer does, and logs its weights as the others do. The study of Xin et al. and that of Kurin et al.
    find that equal or tuned fixed weights match most methods: print this one beside them.

    Args:
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], all 1.

    Raises:
        ValueError: `freeze_after` is below 1.

    Source: "EW" of LibMTL, whose documentation says 1/T where its code has 1; Kurin et al., "In Defense of the Unitary
        Scalarization for Deep Multi-Task Learning", NeurIPS 2022.

    >>> balancer = EqualWeights()
    >>> balancer.set_tasks(["regression", "multiclass"])
    >>> [float(weight) for weight in balancer(keras.ops.array([3.0, 0.1]), keras.ops.ones(2, dtype="bool"))]
    [1.0, 1.0]
    """

    reads_losses = False

    def __init__(self, *, freeze_after=None, name="equal"):
        super().__init__(freeze_after=freeze_after, name=name)

    def call(self, losses, present, gram=None):
        """Returns the weights [T], all 1."""
        return ops.ones_like(losses)


BALANCERS.register(EqualWeights, name="equal")
