"""The trimmed mean of the task gradients (Yin et al., ICML 2018)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._jacobian import Direction, JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class TrimmedMean(JacobianBalancer):
    """Takes, entry by entry, the mean of the task gradients without the k largest and the k smallest.

    With t tasks that have labels k = min(trim, (t − 1)//2), so that one entry or two are always left: with much to trim it is
    the median. A rule against machines that send wrong gradients, so that up to k tasks cannot move an entry beyond what the others want.
    Each entry has its own extremes, so the direction is no weighted sum of the task gradients: there are no weights to log, to
    keep for several steps (`every`) or to freeze. Alphas multiply the entries that are left.

    Args:
        trim: the number of entries to leave out at each end; 0 gives the mean.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`.

    Raises:
        ValueError: `trim` is negative.

    Source: Yin, Chen, Ramchandran and Bartlett, "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates",
        ICML 2018, definition 2.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("trimmed_mean", [[1.0, 0.0], [2.0, -9.0], [99.0, 4.0]])
    >>> [float(value) for value in direction], weights
    ([2.0, 0.0], None)
    """

    weighs = False

    def __init__(self, trim=1, *, name="trimmed_mean"):
        super().__init__(name=name)
        self.trim = checks.integer("trim", trim, low=0)

    def direct(self, losses, present, jacobian, representation=None):
        """Returns the entries that are left, and their number's inverse."""
        present = _masked.any_of(present)
        count = _masked.count(present)
        cut = ops.minimum(float(self.trim), ops.floor((count - 1.0) / 2.0))
        rows = [ops.where(self._left(block, present, cut), block, ops.zeros_like(block)) for block in jacobian]
        return Direction(rows, ops.cast(present, "float64") / (count - 2.0 * cut))

    def _left(self, block, present, cut):
        """Says which entries are left. Looking for each extreme in turn is faster than sorting as long as few are cut."""
        left = ops.broadcast_to(present[:, None], ops.shape(block))
        places = ops.arange(block.shape[0])[:, None]
        for place in range(min(self.trim, (block.shape[0] - 1) // 2)):
            for values in (block, -block):
                extreme = ops.argmax(ops.where(left, values, -float("inf")), axis=0)
                left = ops.logical_and(left, ops.logical_or(places != ops.cast(extreme, places.dtype), place >= cut))
        return left

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "trim": self.trim}


BALANCERS.register(TrimmedMean, name="trimmed_mean")
