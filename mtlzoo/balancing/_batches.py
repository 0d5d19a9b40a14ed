"""Balancers that need the task gradients of independent batches, so that their weights are not biased by one batch's noise."""

from keras import ops

from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import GramBalancer

BATCHES = 3


class CrossGramBalancer(GramBalancer):
    """A balancer that needs J₁J₂ᵀ of the task gradients of two independent batches; its weights multiply those of a third.

    The model takes every third row of a batch for each of them, so that a step costs what one of a Gram balancer costs; give it
    batches three times as large for batches of the papers' size. Heads are plain and learn from all rows. A task that has no
    label in one of the three parts counts as absent for the shared parameters in that step; a batch of one or two rows moves the
    model, and not the balancer. Layers that look at the whole batch, such as batch normalisation, see one part at a time.

    Args:
        every: compute new weights every that many steps, and keep them, for all rows, in between.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Raises:
        ValueError: an argument is out of bounds.

    Source: rule 4 of the model (README.md); Chen, Fernando, Ying and Chen (MoDo), NeurIPS 2023, on double sampling.
    """

    needs = "batches"

    def __init__(self, *, every=1, freeze_after=None, name=None):
        super().__init__(every=every, freeze_after=freeze_after, name=name)

    def evidence(self, jacobian):
        """Returns J₁J₂ᵀ; one matrix [T, d] stands for all three batches, or J₁, J₂, J₃ come as [3, T, d]."""
        first, second = (jacobian, jacobian) if len(jacobian.shape) == 2 else (jacobian[0], jacobian[1])
        return (ops.matmul(first, ops.transpose(second)),)

    def of_present(self, cross, present):
        """Returns J₁J₂ᵀ in float64 with zeros for the tasks that are not present; all count where none is present."""
        present = _masked.any_of(present)
        cross = ops.cast(cross, "float64")
        return ops.where(ops.logical_and(present[:, None], present[None, :]), cross, ops.zeros_like(cross))

    def last_rows(self, jacobian):
        """Returns the task gradients of the last batch."""
        return jacobian if len(jacobian.shape) == 2 else jacobian[BATCHES - 1]

    def get_config(self):
        """Returns the constructor's arguments that all balancers of several batches share."""
        config = super().get_config()
        config.pop("at")
        return config
