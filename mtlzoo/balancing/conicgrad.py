"""ConicGrad: the direction in a cone around the mean gradient that serves the worst task best (Hassanpour et al. 2025)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._gram import unit
from mtlzoo.balancing._qp import outward
from mtlzoo.balancing._registry import BALANCERS
from mtlzoo.balancing._worst_gain import around_mean, serve


@keras.saving.register_keras_serializable(package="mtlzoo")
class ConicGrad(GramBalancer):
    """Turns the mean gradient g0 to the side of the worst task, by an angle of arccos(c) at most, and keeps its length.

    max min_t g_tᵀd subject to g0ᵀd ≥ c·‖g0‖·‖d‖ and ‖d‖ = ‖g0‖: the mean loss falls at least c times as fast as along g0. If the
    direction of MGDA lies in the cone, that is it. Otherwise d lies on the cone, d / ‖g0‖ = c·u0 + √(1 − c²)·e with u0 = g0 / ‖g0‖
    and e ⟂ u0 a unit vector. Where a mean of the gradients is 0 and no direction of the cone serves all tasks, the best one may be
    c·u0 + e' with a shorter e': what it lacks is orthogonal to all gradients, moves no loss and is left out, and the rest is brought
    to the length of g0. (Where the gradients even leave no direction that harms none, e' is that for a small loss of the worst
    task, a thousandth of the one along g0.) A zero gradient counts in the mean and does not bound the gain. If g0 is 0, so is d.

    The paper minimises the dual of the problem, with Z = c²‖g0‖²·I − g0·g0ᵀ, which is not definite, by a gradient step on the task
    weights each iteration, and divides by lengths at its end; here the problem as stated is solved exactly in each step. d is the
    direction of u0 plus the shortest step with which all gains are τ or more, and the greatest τ within the cone is sought as in
    `CAGrad`, whose limit is a ball.

    Args:
        c: the cosine of the cone's half angle, in (0, 1); near 1 the direction is the mean, near 0 that of MGDA.
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; the direction is of the length of the mean gradient, its weights 0 or more.

    Raises:
        ValueError: an argument is out of bounds or unknown.

    Source: Hassanpour et al., "Fantastic Multi-Task Gradient Updates and How to Find Them In a Cone", arXiv 2502.00217, 2025.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("conicgrad", [[3.0, 1.0], [-1.0, -1.0]])
    >>> [round(float(value), 6) for value in direction]
    [0.5, -0.866025]
    """

    solves = True

    def __init__(self, c=0.5, *, at="parameters", every=1, freeze_after=None, name="conicgrad"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.c = checks.number("c", c, low=0, high=1, strict=True)
        if self.c == 1:
            raise ValueError(f"`c` must be below 1, or the mean gradient is left; received {c!r}.")

    def solve(self, gram, losses):
        """Returns the weights [t]; within, lengths are in units of ‖g0‖, rows in units of their norms."""
        norms, cosines, alive = unit(gram)
        slopes, inverse, length = around_mean(cosines, norms, alive)
        direct, residual, served, square = outward(cosines, inverse, alive)
        inside = ops.logical_and(served, ops.sum(slopes * direct) >= self.c * ops.sqrt(square))
        limit = (1.0 - self.c**2, 2.0 - 2.0 * self.c**2, 1.0, self.c**2)
        most = ops.where(slopes >= self.c, 1.0, self.c * slopes + ops.sqrt((1.0 - self.c**2) * (1.0 - slopes**2)))
        step, residual, square = ops.cond(inside, lambda: (direct, residual, square), lambda: serve(cosines, slopes, inverse, limit, most))
        real = length > 0
        step = self.solved(ops.where(real, step, 0.0), ops.where(real, residual, 0.0))
        square, mean = ops.where(real, square, 1.0), ops.cast(ops.logical_not(ops.logical_and(inside, real)), "float64")
        lengths = norms / ops.maximum(ops.max(norms), 1e-300)
        weights = mean + step * length / ops.where(alive, lengths, 1.0)
        return weights / (ops.sqrt(square) * ops.cast(ops.shape(gram)[0], "float64")) + 0.0 * norms

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "c": self.c}


BALANCERS.register(ConicGrad, name="conicgrad")
