"""GO4Align, group optimization for multi-task alignment (Shen et al., NeurIPS 2024)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _clusters, _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class GO4Align(Balancer):
    """Scales all losses alike, tilts the scales by the losses so far, and gives tasks of like weights one weight a group.

    The indicator of a task is v_t = (Σ_s L_s/L_t)·p_t, p = softmax(−η·Σ L_t over the steps so far, this one included).
    The indicators are clustered by k-means, and w_t is the mean of the group that v_t is in. Sums and softmax run
    over the tasks that are present. A loss of 0 is solved: it gets the weight 0 and no group. Losses must not be negative
    (the weights are NaN then).

    Args:
        groups: the greatest number of groups; with 1 all tasks have the same weight, and with T each its own.
        step_size: η, in units of 1/L.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T].

    Raises:
        ValueError: an argument is out of bounds.

    Source: Shen et al., "GO4Align: Group Optimization for Multi-Task Alignment", NeurIPS 2024, as in the authors' code
        (autumn9999/GO4Align at b718bea), except that the groups are the optimum of k-means (on a line it can be had exactly)
        where that code starts Lloyd's algorithm at random.

    >>> balancer = GO4Align()
    >>> balancer.set_tasks(["regression"] * 3)
    >>> weights = balancer(keras.ops.array([4.0, 3.9, 0.5]), keras.ops.ones(3, dtype="bool"))
    >>> [round(float(weight), 3) for weight in weights]
    [0.709, 0.709, 5.601]
    """

    def __init__(self, groups=2, step_size=1e-4, *, freeze_after=None, name="go4align"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.groups = checks.integer("groups", groups, low=1)
        self.step_size = checks.number("step_size", step_size, low=0)

    def build(self, input_shape):
        """Makes the sums of losses so far, [T]."""
        self.sums = self.state("sums", tuple(input_shape), dtype="float64")

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        logs, counts = _masked.logs(losses, present)
        given, there = ops.cast(losses, "float64"), _masked.any_of(present)
        shares = _masked.softmax(-self.step_size * (self.sums + given), there)
        indicators = shares * _masked.total(given, there) * ops.exp(-logs)
        return _masked.like(_clusters.means(indicators, counts, min(self.groups, len(self.kinds))), losses)

    def update(self, losses, present, gram=None):
        """Adds the losses of the tasks that are present."""
        self.sums.assign(ops.where(present, self.sums + ops.cast(losses, "float64"), self.sums))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "groups": self.groups, "step_size": self.step_size}


BALANCERS.register(GO4Align, name="go4align")
