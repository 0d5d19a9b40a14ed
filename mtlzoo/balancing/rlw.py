"""Random loss weighting (Lin et al., TMLR 2022)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _noise
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class RLW(Balancer):
    """Weighs the tasks at random, anew at each step: w = softmax(z) with z ~ N(0, I), or w ~ Dirichlet(1).

    Both have the mean 1/T, so that the learning rate is in effect 1/T of that of equal weights. The softmax, or the sum of
    the Dirichlet's exponential numbers, runs over the tasks with labels in the batch only; the draws of those do not depend on
    the others. A draw is a function of the seed and the count of steps, which is saved: a run that is resumed draws on.

    Args:
        distribution: "normal" or "dirichlet".
        seed: an int; give each of several runs its own.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T] and present [T] it gives weights [T] that sum to 1.

    Raises:
        ValueError: `distribution` is unknown, or `seed` negative.

    Source: Lin, Ye, Zhang and Tsang, "Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task Learning",
        TMLR 2022, section 3; the Dirichlet form as in Kurin et al., NeurIPS 2022.

    >>> balancer = RLW(seed=1)
    >>> balancer.set_tasks(["regression"] * 3)
    >>> weights = balancer(keras.ops.ones(3), keras.ops.array([True, False, True]))
    >>> round(float(keras.ops.sum(weights)), 5), float(weights[1])
    (1.0, 0.0)
    """

    draws = True

    reads_losses = False

    def __init__(self, distribution="normal", seed=0, *, freeze_after=None, name="rlw"):
        super().__init__(freeze_after=freeze_after, name=name)
        self.distribution = checks.one_of("distribution", distribution, ["normal", "dirichlet"])
        self.seed = checks.integer("seed", seed, low=0)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        present = _masked.any_of(present)
        draw = _noise.normal if self.distribution == "normal" else _noise.uniform
        drawn = draw(len(self.kinds), self.seed, self.steps)
        # Exponential numbers over their sum are Dirichlet(1): the softmax of their logarithms.
        logits = drawn if self.distribution == "normal" else ops.log(-ops.log(drawn))
        return _masked.like(_masked.softmax(logits, present), losses)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "distribution": self.distribution, "seed": self.seed}


BALANCERS.register(RLW, name="rlw")
