"""Smooth Tchebycheff scalarization in stages, as its authors train multi-task networks (Lin et al., ICML 2024)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class StagedSTCH(Balancer):
    """Lowers Σ log L_t for some epochs, and then the smooth maximum of the losses relative to where that brought them.

    For `warmup` epochs the model descends Σ log L_t, w_t = 1/L_t. In the epoch after these it does the same, while ν_t,
    the mean of L_t over its steps, is taken. From then on it descends T·μ·log Σ exp(log(L_t/ν_t)/μ): w_t = T·p_t/L_t,
    p = softmax(log(L/ν)/μ). Epochs are counted by the balancer, across calls of `fit`; outside of `fit`, call
    `end_epoch()` yourself. A task without labels in the epoch of ν takes it in the next one that has some, and stays at
    1/L_t until then. A loss of 0 is solved and gets the weight 0. Losses must not be negative (the weights are NaN then).

    Args:
        mu: μ, without units.
        warmup: number of epochs before the one that takes ν.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T], the true ones
        (LibMTL reports others).

    Raises:
        ValueError: an argument is out of bounds.

    Source: the authors' code to Lin, Zhang, Yang et al., "Smooth Tchebycheff Scalarization for Multi-Objective
        Optimization", ICML 2024 (and LibMTL's, which is the same).

    >>> balancer = StagedSTCH(warmup=0)
    >>> balancer.set_tasks(["regression", "regression"])
    >>> present = keras.ops.ones(2, dtype="bool")
    >>> balancer.update(keras.ops.array([4.0, 1.0]), present)
    >>> balancer.end_epoch()
    >>> [float(weight) for weight in balancer(keras.ops.array([4.0, 1.0]), present)]
    [0.25, 1.0]
    """

    def __init__(self, mu=1.0, warmup=4, *, freeze_after=None, name="stch_staged"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.mu = checks.number("mu", mu, low=0, strict=True)
        self.warmup = checks.integer("warmup", warmup, low=0)

    def build(self, input_shape):
        """Makes ν [T], the steps that it is a mean of, and which tasks have it."""
        self.level = self.state("level", tuple(input_shape), dtype="float64")
        self.counted = self.state("counted", tuple(input_shape), dtype="float64")
        self.settled = self.state("settled", tuple(input_shape))
        self.epochs = self.state("epochs", ())

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        logs, counts = _masked.logs(losses, present)
        ready = ops.logical_and(counts, self.settled > 0)
        tasks = _masked.count(ops.logical_and(_masked.any_of(present), self.settled > 0))
        relative = (logs - ops.log(ops.where(self.settled > 0, self.level, 1.0))) / self.mu
        # log Σ exp over the tasks that are ready; where none is, its value is not used.
        powers = ops.where(ready, relative, -float("inf"))
        most = ops.maximum(ops.max(powers), -1e300)
        shares = powers - most - ops.log(ops.maximum(ops.sum(ops.exp(powers - most)), 1e-300))
        weights = ops.where(ready, tasks * ops.exp(shares - logs), ops.exp(-logs))
        return _masked.like(ops.where(counts, weights, 0.0), losses)

    def update(self, losses, present, gram=None):
        """Takes the losses into ν, in the epoch for that."""
        taking = ops.logical_and(ops.logical_and(present, self.settled == 0), self.epochs >= self.warmup)
        counted = self.counted + ops.cast(taking, "float64")
        change = (ops.cast(losses, "float64") - self.level) / ops.maximum(counted, 1.0)
        self.level.assign(ops.where(taking, self.level + change, self.level))
        self.counted.assign(counted)

    def end_epoch(self):
        """Counts an epoch, and settles ν for the tasks that have it."""
        had = ops.logical_and(ops.convert_to_tensor(self.counted) > 0, ops.convert_to_tensor(self.level) > 0)
        self.settled.assign(ops.cast(had, "float32"))
        self.epochs.assign(self.epochs + 1)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mu": self.mu, "warmup": self.warmup}


BALANCERS.register(StagedSTCH, name="stch_staged")
