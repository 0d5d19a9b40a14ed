"""CR-MOGM, weights of another balancer smoothed over the steps (Zhou et al., NeurIPS 2022)."""

import dataclasses

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _registry
from mtlzoo.balancing._base import Balancer
from mtlzoo.balancing._jacobian import JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class CRMOGM(Balancer):
    """Smooths the weights of any other balancer over the steps: w_k = α·w_{k−1} + (1 − α)·ŵ_k.

    Weights that jump with the batch correlate with its gradients, and keep stochastic multi-objective methods from converging; a
    slow average does not. w starts at ŵ of a task's first labelled step (TorchJD: at 1/T, whatever the scale of ŵ is); a task without
    a label keeps its own. What the inner balancer needs, where it takes gradients, and how often it computes hold for the whole; its
    state is saved with it. Around a balancer that scales what it sums (MoCo, DB-MTL) w is what it multiplies these sums' terms by.
    A balancer whose direction is no weighted sum (GradDrop, trimmed mean) has nothing to smooth.

    Args:
        balancer: the inner balancer, a name or a `Balancer`; it must not freeze by itself (give `freeze_after` here).
        alpha: α, from 0 (the inner balancer alone) to below 1 (slower).
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called as the inner one it gives weights [T].

    Raises:
        ValueError: an argument is out of bounds, the name is unknown, or the inner balancer has a `freeze_after` or no weights.
        TypeError: `balancer` is neither a name nor a `Balancer`.

    Source: Zhou, Zhang, Jiang, Zhong, Gu and Zhu, "On the Convergence of Stochastic Multi-Objective Gradient Manipulation and
        Beyond", NeurIPS 2022, algorithm 1.

    >>> from mtlzoo.balancing import DBMTL, aggregate
    >>> balancer = CRMOGM(DBMTL(beta=0.0), alpha=0.5)
    >>> for length in (1.0, 3.0):
    ...     direction, weights = aggregate(balancer, [[1.0, 0.0], [0.0, length]], losses=[1.0, 1.0])
    >>> [round(float(value), 6) for value in weights]
    [2.0, 1.0]
    """

    def __init__(self, balancer="mgda", alpha=0.9, *, freeze_after=None, name="cr_mogm"):
        super().__init__(freeze_after=freeze_after, name=name)
        if balancer is None:
            raise TypeError("`balancer` must be a name or a mtlzoo.balancing.Balancer; received None.")
        self.inner = _registry.get(balancer)
        if not self.inner.weighs:
            raise ValueError(f"`balancer` must give weights to smooth inside CRMOGM; received {self.inner.name!r}, which gives none.")
        if self.inner.freeze_after is not None:
            raise ValueError(f"`balancer` must have no freeze_after inside CRMOGM, which has its own; received {self.inner.freeze_after}.")
        self.alpha = checks.number("alpha", alpha, low=0)
        if self.alpha >= 1:
            raise ValueError(f"`alpha` must be below 1, or the weights never move; received {alpha!r}.")
        self.needs, self.every, self.looks_again, self.draws = (
            getattr(self.inner, key) for key in ("needs", "every", "looks_again", "draws")
        )
        self.reads_losses, self.reads_preference = self.inner.reads_losses, self.inner.reads_preference
        self.at, self.rotates, self.rotation_size = self.inner.at, self.inner.rotates, self.inner.rotation_size

    def build(self, input_shape):
        """Makes w, [T], and says which tasks have one; makes the state of the inner balancer."""
        self.inner.set_tasks(self.kinds, self.sizes)
        self.smooth = self.state("smooth", tuple(input_shape), dtype="float64")
        self.seen = self.state("seen", tuple(input_shape))

    def set_sizes(self, sizes):
        """Takes the sizes of the shared variables for the inner balancer."""
        self.inner.set_sizes(sizes)
        self.sizes = sizes

    def set_rotations(self, matrices):
        """Takes the rotations for the inner balancer."""
        self.inner.set_rotations(matrices)

    def set_told(self, variable):
        """Takes the preference that the model is told for the inner balancer."""
        self.inner.set_told(variable)

    def call(self, losses, present, gram=None):
        """Returns the weights [T]."""
        return self._smoothed(self.inner(losses, present, gram), present)

    def direct(self, losses, present, jacobian, representation=None):
        """Returns the inner balancer's `Direction` with smoothed factors, for one that needs the gradients themselves."""
        found = self.inner.direct(losses, present, jacobian, representation)
        factors = self._smoothed(ops.cast(found.factors, "float64"), present)
        weights = factors if found.scales is None else factors * ops.cast(found.scales, "float64")
        return dataclasses.replace(found, factors=factors, weights=weights, state=(factors, *found.state))

    @property
    def residual(self):
        """How far the inner balancer's last problem was from solved, or None."""
        return self.inner.residual

    def held(self):
        """Returns the state for a step that computes nothing: w, and the inner balancer's."""
        return (ops.convert_to_tensor(self.smooth), *self.inner.held())

    def evidence(self, jacobian):
        """Returns what the inner balancer takes beside losses and presence."""
        return self.inner.evidence(jacobian)

    def last_rows(self, jacobian):
        """Returns the rows that the inner balancer's weights multiply."""
        return self.inner.last_rows(jacobian)

    def combine(self, losses, present, jacobian):
        """Moves by one step on one matrix [T, d]; see `Balancer.combine`."""
        if self.needs == "jacobian":
            return JacobianBalancer.combine(self, losses, present, jacobian)
        return super().combine(losses, present, jacobian)

    def _smoothed(self, fresh, present):
        known = ops.where(self.seen > 0, ops.convert_to_tensor(self.smooth), ops.cast(fresh, "float64"))
        mixed = self.alpha * known + (1.0 - self.alpha) * ops.cast(fresh, "float64")
        return ops.cast(ops.where(present, mixed, ops.cast(fresh, "float64")), fresh.dtype)

    def advance(self, losses, present, gram=None, weights=None):
        """Moves w, and the inner balancer, by one step that computed weights."""
        weights = self(losses, present, gram) if weights is None else weights
        # Balancers of the gradients themselves are smoothed before what scales their rows: MoCo's λ, not λ·L/‖g‖.
        smooth, gram = (gram[0], gram[1:]) if self.needs == "jacobian" else (weights, gram)
        self.smooth.assign(ops.where(present, ops.cast(smooth, "float64"), ops.convert_to_tensor(self.smooth)))
        self.seen.assign(ops.where(present, 1.0, ops.convert_to_tensor(self.seen)))
        self.inner.advance(losses, present, gram)
        super().advance(losses, present, gram, weights)

    def look_again(self, losses, new_losses, present):
        """Hands the losses after the step to the inner balancer."""
        self.inner.look_again(losses, new_losses, present)

    def start_epoch(self, epoch):
        """Tells the inner balancer."""
        self.inner.start_epoch(epoch)

    def end_epoch(self):
        """Tells the inner balancer."""
        self.inner.end_epoch()

    def get_config(self):
        """Returns the constructor's arguments."""
        inner = keras.saving.serialize_keras_object(self.inner)
        # The inner state is made with the own one: the configuration is the same before and after.
        inner.pop("build_config", None)
        return {**super().get_config(), "balancer": inner, "alpha": self.alpha}

    @classmethod
    def from_config(cls, config):
        """Makes the balancer, and the inner one, from what `get_config` returned."""
        return cls(**{**config, "balancer": keras.saving.deserialize_keras_object(config["balancer"])})


BALANCERS.register(CRMOGM, name="cr_mogm")
