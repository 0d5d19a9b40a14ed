"""Balancers that need the task gradients themselves: their signs, their entries one by one, or moving averages of them."""

import dataclasses

from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._base import Balancer


@dataclasses.dataclass
class Direction:
    """A step's direction Σ_t f_t·r_t, before the alphas.

    Args:
        rows: r, one [T, size] a shared variable; None for the gradients as they are.
        factors: f, [T].
        weights: ∂L/∂L_t, [T]: what the gradient of a task is multiplied by, where averages have settled; None if nothing is.
        state: new values of the variables in `moving`, in their order.
        scales: weights over factors, [T], for who changes the factors; None where both are the same.
    """

    rows: list | None
    factors: object
    weights: object = None
    state: tuple = ()
    scales: object = None


class JacobianBalancer(Balancer):
    """A balancer that sees the task gradients of every shared variable; it moves the shared parameters, heads stay plain.

    A subclass gives a `Direction` in `direct`, and names the variables that it moves in `moving`. Gradients that it keeps take
    T·d numbers beside the network, d being the number of shared parameters. One whose direction is no weighted sum (`weighs` False)
    has no weights to keep, so it takes neither `every` nor `freeze_after`.

    Args:
        every: compute new weights every that many steps, and keep them, for the gradients as they are, in between.
        freeze_after: as in `Balancer`.
        name: the balancer's name.

    Raises:
        ValueError: an argument is out of bounds.

    Source: rule 4 of the model (README.md).
    """

    needs = "jacobian"
    at = "parameters"
    reads_losses = False

    def __init__(self, *, every=1, freeze_after=None, name=None):
        super().__init__(freeze_after=freeze_after, name=name)
        self.every = checks.integer("every", every, low=1)
        self.moving = []

    def set_sizes(self, sizes):
        """Takes the numbers of entries of the shared variables, for which it makes its state."""
        sizes = sizes and tuple(sizes)
        if self.built and self.moving and self.sizes != sizes:
            raise ValueError(
                f"`balancer` {self.name!r} keeps gradients of shared variables of the sizes {self.sizes} already; "
                f"make a new one for {sizes}."
            )
        self.sizes = sizes

    def kept(self, name, tasks):
        """Makes variables for gradients: a list of [T, size], one a shared variable."""
        if self.sizes is None:
            raise ValueError(f"`sizes` must be given to set_tasks of {self.name!r}, which keeps gradients of shared variables.")
        return [self.state(f"{name}_{index}", (tasks, size)) for index, size in enumerate(self.sizes)]

    def direct(self, losses, present, jacobian, representation=None):
        """Returns the `Direction` of a step.

        Args:
            losses: [T].
            present: [T], bool: the tasks that take part; what the rows of the others hold must not count.
            jacobian: the task gradients, a list of [T, size], one a shared variable; or one of [T, batch, ...] at the representation.
            representation: the shared tensor [batch, ...] with at="representation", or None.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `direct(losses, present, jacobian, representation)`.")

    def held(self):
        """Returns the values of the variables in `moving`: the new state of a step that computes nothing."""
        return tuple(ops.convert_to_tensor(variable) for variable in self.moving)

    def update(self, losses, present, state=()):
        """Moves the state to what `direct` found."""
        for variable, value in zip(self.moving, state, strict=True):
            variable.assign(ops.cast(value, variable.dtype))

    def combine(self, losses, present, jacobian):
        """Moves by one step on one matrix [T, d]; see `Balancer.combine`."""
        self.check_every_step()
        found = self.direct(losses, present, [jacobian])
        self.advance(losses, present, found.state, found.weights)
        rows = jacobian if found.rows is None else found.rows[0]
        weights = found.weights if found.weights is None else ops.cast(found.weights, "float64")
        return ops.matmul(ops.cast(found.factors, "float64"), ops.cast(rows, "float64")), weights

    def get_config(self):
        """Returns the constructor's arguments that balancers of gradients share."""
        return {**super().get_config(), "every": self.every} if self.weighs else {"name": self.name}
