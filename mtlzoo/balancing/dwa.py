"""Dynamic weight average (Liu, Johns and Davison, CVPR 2019)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class DWA(Balancer):
    """Weighs each task by how slowly its loss fell over the last two epochs: w = T·softmax(r/τ), r_t = L̄_t(e−1)/L̄_t(e−2).

    L̄_t(e) is the mean of the task's loss over the steps of epoch e. In the first two epochs all weights are 1. A task
    without labels in a whole epoch keeps its two means, and one that has fewer than two means counts as r = 1; T is the
    number of tasks with labels in the batch. Outside of `fit`, call `end_epoch()` yourself.

    Args:
        temperature: τ; the larger, the more equal the weights.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T] that sum to the
        number of tasks that are present.

    Raises:
        ValueError: `temperature` is not above 0.

    Source: Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, eq. 7.

    >>> balancer = DWA()
    >>> balancer.set_tasks(["regression", "regression"])
    >>> for losses in ([4.0, 1.0], [2.0, 1.0]):
    ...     balancer.update(keras.ops.array(losses), keras.ops.ones(2, dtype="bool"))
    ...     balancer.end_epoch()
    >>> [round(float(weight), 3) for weight in balancer(keras.ops.ones(2), keras.ops.ones(2, dtype="bool"))]
    [0.876, 1.124]
    """

    def __init__(self, temperature=2.0, *, freeze_after=None, name="dwa"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.temperature = checks.number("temperature", temperature, low=0, strict=True)

    def build(self, input_shape):
        """Makes the running mean of this epoch and the means of the last two, [T] each."""
        shape = tuple(input_shape)
        self.running = self.state("running", shape, dtype="float64")
        self.counted = self.state("counted", shape, dtype="float64")
        self.newer = self.state("newer", shape, dtype="float64")
        self.older = self.state("older", shape, dtype="float64")
        self.epochs = self.state("epochs", shape, dtype="float64")

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        known = ops.logical_and(self.epochs >= 2, self.older > 0)
        ratios = ops.where(known, self.newer / ops.where(known, self.older, 1.0), 1.0)
        return _masked.like(_masked.count(present) * _masked.softmax(ratios / self.temperature, present), losses)

    def update(self, losses, present, gram=None):
        """Takes the losses of the tasks that are present into the means of this epoch."""
        counted = self.counted + ops.cast(present, "float64")
        change = (ops.cast(losses, "float64") - self.running) / ops.maximum(counted, 1.0)
        self.running.assign(ops.where(present, self.running + change, self.running))
        self.counted.assign(counted)

    def end_epoch(self):
        """Moves the means on by one epoch, for the tasks that had labels in it."""
        had = ops.convert_to_tensor(self.counted) > 0
        self.older.assign(ops.where(had, self.newer, self.older))
        self.newer.assign(ops.where(had, self.running, self.newer))
        self.epochs.assign(self.epochs + ops.cast(had, "float64"))
        self.running.assign(ops.zeros_like(self.running))
        self.counted.assign(ops.zeros_like(self.counted))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "temperature": self.temperature}


BALANCERS.register(DWA, name="dwa")
