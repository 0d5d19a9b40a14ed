"""IMTL, impartial gradients of losses brought to one scale (Liu et al., ICLR 2021)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked, _unit_rows
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS
from mtlzoo.balancing._task_adam import TaskAdam


@keras.saving.register_keras_serializable(package="mtlzoo")
class IMTL(GramBalancer):
    """Brings the losses to one scale by learned factors exp(s_t) (IMTL-L), then weighs their gradients impartially (IMTL-G).

    s minimises Σ exp(s_t)·L_t − s_t, so that exp(s_t) comes to 1/L_t; rows exp(s_t)·g_t go through IMTL-G (equal projections,
    Σw' = 1), and w_t = w'_t·exp(s_t) are the weights of the losses themselves. The line of the direction is that of `IMTLG`; s decides
    its length and, with it, the sign: like `IMTLG` it can point uphill. The heads of the paper take exp(s_t)·∇L_t; here, as with all
    Gram methods, they take their own loss as it is. s has an Adam of its own: at the network's rate it would hardly move. Losses of
    0 do not move it.

    Args:
        learning_rate: of the Adam that trains s; 0.025 as in the study of Nash-MTL (Navon et al. 2022).
        at: as in `GramBalancer`.
        every: as in `GramBalancer`.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds.

    Source: Liu, Li, Kuang, Xue, Chen, Yang, Liao and Zhang, "Towards Impartial Multi-task Learning", ICLR 2021, section 3.3.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("imtl", [[1.0, 0.0], [0.0, 3.0]], losses=[1.0, 2.0])
    >>> [round(float(value), 6) for value in direction]
    [0.75, 0.75]
    """

    reads_losses = True

    def __init__(self, learning_rate=0.025, *, at="parameters", every=1, freeze_after=None, name="imtl"):
        super().__init__(at=at, every=every, freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0, strict=True)

    def build(self, input_shape):
        """Makes s, [T], and the moments of its Adam."""
        self.log_scales = self.state("log_scales", tuple(input_shape), dtype="float64")
        self.adam = TaskAdam(self, input_shape[0], self.learning_rate, epsilon=1e-8)

    def call(self, losses, present, gram):
        """Returns the weights [T]."""
        scales = ops.exp(ops.convert_to_tensor(self.log_scales))
        scaled = ops.cast(gram, "float64") * scales[:, None] * scales[None, :]
        return scales * self.among_present(lambda gram, losses: _unit_rows.impartial(gram), losses, present, scaled)

    def update(self, losses, present, gram=None):
        """Takes one Adam step on s; tasks without a label keep theirs."""
        losses = ops.cast(losses, "float64")
        gradient = ops.exp(ops.convert_to_tensor(self.log_scales)) * losses - 1.0
        self.log_scales.assign(self.log_scales + self.adam.step(gradient, ops.logical_and(present, losses > _masked.LEAST)))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "learning_rate": self.learning_rate}


BALANCERS.register(IMTL, name="imtl")
