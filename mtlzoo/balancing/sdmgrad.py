"""SDMGrad, direction-oriented multi-objective descent (Xiao, Ban and Ji, NeurIPS 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _simplex
from mtlzoo.balancing._batches import CrossGramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class SDMGrad(CrossGramBalancer):
    """Seeks the shortest combination of the task gradients that is drawn to their mean by λ, without the bias of one batch.

    With A = J₁J₂ᵀ/s², s the mean of √max(diagonal, 0), w in the simplex moves by a few steps of gradient descent with momentum on
    ½·(w + λ/T)ᵀA(w + λ/T), each followed by the projection on the simplex, from where the last batch left it; the direction is
    (J₃ᵀw + λ·mean J₃)/(1 + λ), and (w + λ/T)/(1 + λ) are the weights. λ = 0 is MGDA by stochastic steps, a large λ the mean.
    **The learning rate is not the authors'**: with their 10 (5 in LibMTL) the steps bounce between corners of the simplex instead of
    settling. The combination stays a good deal longer than the shortest, and the last digit of A decides where they end; 0.5 settles
    on random Jacobians of two to ten tasks. The authors' code takes T times this direction. If no diagonal entry is positive, the
    batch says nothing of the scale, and w stays.

    Args:
        preference: λ, from 0; 0.3 as in the authors' experiments.
        learning_rate: of the steps on w.
        momentum: of these steps, below 1.
        iterations: number of these steps a batch.
        every: as in `CrossGramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and J₁J₂ᵀ [T, T] it gives weights [T],
        float64, with the sum 1.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Xiao, Ban and Ji, "Direction-oriented Multi-objective Learning: Simple and Provable Stochastic Algorithms",
        NeurIPS 2023, algorithm 1 and section 6.1 on the scale.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(SDMGrad(preference=0.0), [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 3) for value in weights]
    [0.9, 0.1]
    """

    def __init__(
        self,
        preference=0.3,
        learning_rate=0.5,
        momentum=0.5,
        iterations=20,
        *,
        every=1,
        freeze_after=None,
        name="sdmgrad",
    ):
        super().__init__(every=every, freeze_after=freeze_after, name=name)
        self.preference = checks.number("preference", preference, low=0)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.momentum = checks.number("momentum", momentum, low=0, high=0.999)
        self.iterations = checks.integer("iterations", iterations, low=1)

    def build(self, input_shape):
        """Makes w, [T]."""
        self.point = self.state("point", tuple(input_shape), 1.0 / input_shape[0], dtype="float64")

    def call(self, losses, present, cross):
        """Returns the weights [T] after the steps on this batch; 0 for tasks without a label."""
        return (self._descend(present, cross) + self._drawn(present)) / (1.0 + self.preference)

    def update(self, losses, present, cross=None):
        """Keeps w; tasks without a label keep theirs."""
        self.point.assign(_simplex.put_back(self.point, self._descend(present, cross), present))

    def _drawn(self, present):
        return self.preference * _simplex.among(ops.ones_like(self.point), present)

    def _descend(self, present, cross):
        cross, drawn = self.of_present(cross, present), self._drawn(present)
        roots = ops.sqrt(ops.maximum(ops.diagonal(cross), 0.0))
        scale = ops.sum(roots) / _masked.count(_masked.any_of(present))
        system = ops.where(scale > 0, cross / ops.where(scale > 0, scale, 1.0) ** 2, ops.zeros_like(cross))

        def step(_, state):
            point, velocity = state
            velocity = self.momentum * velocity + ops.matmul(system, (point + drawn)[:, None])[:, 0]
            return _simplex.project(point - self.learning_rate * velocity, present), velocity

        start = _simplex.among(self.point, present)
        return ops.fori_loop(0, self.iterations, step, (start, ops.zeros_like(start)))[0]

    def get_config(self):
        """Returns the constructor's arguments."""
        own = {"preference": self.preference, "learning_rate": self.learning_rate, "momentum": self.momentum, "iterations": self.iterations}
        return {**super().get_config(), **own}


BALANCERS.register(SDMGrad, name="sdmgrad")
