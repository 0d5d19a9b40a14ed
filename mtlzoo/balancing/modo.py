"""MoDo, multi-objective gradients with double sampling (Chen et al., NeurIPS 2023)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _simplex
from mtlzoo.balancing._batches import CrossGramBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class MoDo(CrossGramBalancer):
    """Follows the weights of the shortest combination of the task gradients by one step a batch, without the bias of one batch.

    λ ← Π(λ − γ·(J₁J₂ᵀλ + ρλ)) from λ = 1/T, with Π the projection on the simplex; the direction is J₃ᵀλ with the new λ. The two
    batches are independent, so that J₁J₂ᵀλ is half the gradient of E‖Jᵀλ‖² on average, which J₁J₁ᵀλ is not. ρ draws the weights
    to equal ones; γ → 0 keeps equal weights, and a large γ follows each batch's noise. Steps are as long as the squared norms of
    the gradients: γ belongs to their scale. The authors' code adds the first two gradients up for the direction if it is not told
    to draw a third batch. Tasks without a label keep their λ, and the others share what they hold.

    Args:
        gamma: γ, the learning rate of the weights; 0.1 as in the authors' code, 0.001 in LibMTL.
        rho: ρ, from 0; 0.1 as in the authors' code.
        every: as in `CrossGramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and J₁J₂ᵀ [T, T] it gives weights [T],
        float64, with the sum 1.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Chen, Fernando, Ying and Chen, "Three-Way Trade-Off in Multi-Objective Learning: Optimization, Generalization and
        Conflict-Avoidance", NeurIPS 2023, algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate(MoDo(gamma=0.1, rho=0.0), [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 6) for value in weights]
    [0.7, 0.3]
    """

    def __init__(self, gamma=0.1, rho=0.1, *, every=1, freeze_after=None, name="modo"):
        super().__init__(every=every, freeze_after=freeze_after, name=name)
        self.gamma = checks.number("gamma", gamma, low=0, strict=True)
        self.rho = checks.number("rho", rho, low=0)

    def build(self, input_shape):
        """Makes λ, [T]."""
        self.point = self.state("point", tuple(input_shape), 1.0 / input_shape[0], dtype="float64")

    def call(self, losses, present, cross):
        """Returns the weights [T] after the step on this batch; 0 for tasks without a label."""
        part = _simplex.among(self.point, present)
        pull = ops.matmul(self.of_present(cross, present), part[:, None])[:, 0] + self.rho * part
        return _simplex.project(part - self.gamma * pull, present)

    def update(self, losses, present, cross=None):
        """Keeps these weights; tasks without a label keep theirs."""
        self.point.assign(_simplex.put_back(self.point, self.call(losses, present, cross), present))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "gamma": self.gamma, "rho": self.rho}


BALANCERS.register(MoDo, name="modo")
