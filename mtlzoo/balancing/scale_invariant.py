"""The sum of the logarithms of the losses."""

import keras
from keras import ops

from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class ScaleInvariant(Balancer):
    """Minimises Σ log L_t: w_t = 1/L_t, so that the units of a loss do not matter at all.

    It is the geometric mean without its common factor, and the optimum of the weights that IMTL-L learns. A loss of 0 is
    solved and gets the weight 0. Losses must not be negative (the weights are NaN then).

    Args:
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        ValueError: `freeze_after` is below 1.

    Source: "SI" of Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022.

    >>> balancer = ScaleInvariant()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> [float(weight) for weight in balancer(keras.ops.array([4.0, 0.5]), keras.ops.ones(2, dtype="bool"))]
    [0.25, 2.0]
    """

    def __init__(self, *, freeze_after=None, name="scale_invariant"):
        super().__init__(freeze_after=freeze_after, name=name)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        logs, counts = _masked.logs(losses, present)
        return _masked.like(ops.where(counts, ops.exp(-logs), 0.0), losses)


BALANCERS.register(ScaleInvariant, name="scale_invariant")
