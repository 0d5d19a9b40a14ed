"""GradDrop, gradient sign dropout (Chen et al., NeurIPS 2020)."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _noise, _per_task
from mtlzoo.balancing._jacobian import Direction, JacobianBalancer
from mtlzoo.balancing._registry import BALANCERS


@keras.saving.register_keras_serializable(package="mtlzoo")
class GradDrop(JacobianBalancer):
    """Keeps, entry by entry, the task gradients of one sign, drawn with the odds of the signs, and sums them.

    With P = ½(1 + Σ g_i/Σ|g_i|) and U uniform on [0, 1), the positive g_i are kept where P > U, and the negative ones elsewhere:
    d = Σ (l_i + (1 − l_i)·M_i)·g_i with the masks M_i. At the representation z [batch, ...], as in the paper, the signs are those of
    G_i = Σ_batch sign(z)·∂L_i/∂z, and one draw a unit decides for all rows of the batch; at the parameters each entry of each shared
    variable has its own. Under a strategy each replica looks at its own rows of the batch. Entries are kept one by one, so the direction
    is no weighted sum of the task gradients: there are no weights to log, to keep for several steps (`every`) or to freeze.
    U is a function of the seed and the count of steps, which is saved: a run that is resumed draws on.

    Args:
        leak: l, the share of each gradient that is never dropped, from 0 to 1: a number, or a list with one a task.
        seed: an int that decides the draws.
        at: "representation", or "parameters", which is also what `aggregate` takes its matrix for.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`.

    Raises:
        ValueError: an argument is out of bounds or unknown, or `leak` has another number of tasks.
        TypeError: `leak` is neither a number nor a list of numbers.

    Source: Chen, Ngiam, Huang, Luong, Kretzschmar, Chai and Anguelov, "Just Pick a Sign: Optimizing Deep Multitask Models with
        Gradient Sign Dropout", NeurIPS 2020, algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("graddrop", [[1.0, 3.0, -1.0], [2.0, -1.0, 0.0]])
    >>> [float(value) for value in direction][::2], float(direction[1]) in (3.0, -1.0), weights
    ([3.0, -1.0], True, None)
    """

    draws = True
    weighs = False

    def __init__(self, leak=0.0, seed=0, *, at="representation", name="graddrop"):
        super().__init__(name=name)
        self.leak = _shares(leak)
        self.seed = checks.integer("seed", seed, low=0)
        self.at = checks.one_of("at", at, ["representation", "parameters"])

    def check_tasks(self, kinds):
        """Checks the number of leaks."""
        _per_task.check("leak", self.leak if isinstance(self.leak, list) else None, len(kinds))

    def direct(self, losses, present, jacobian, representation=None):
        """Returns the sum of the entries that are kept."""
        signs = None if representation is None else ops.sign(ops.cast(representation, jacobian[0].dtype))
        rows = [self._dropped(block, present, signs, stream) for stream, block in enumerate(jacobian)]
        return Direction(rows, ops.cast(present, "float64"))

    def _dropped(self, block, present, signs, stream):
        tail = (1,) * (len(block.shape) - 1)
        there = ops.reshape(present, (-1, *tail))
        signed = block if signs is None else ops.sum(block * signs, axis=1, keepdims=True)
        signed = ops.where(there, signed, ops.zeros_like(signed))
        positive, both = ops.sum(ops.relu(signed), axis=0), ops.sum(ops.abs(signed), axis=0)
        draw = ops.cast(_noise.uniform_block(ops.shape(both), self.seed, self.steps, stream), both.dtype)
        kept = ops.where(positive > draw * both, signed > 0, signed < 0)
        leak = ops.reshape(ops.convert_to_tensor(self.leak, dtype=block.dtype), (-1, *tail))
        return ops.where(kept, block, leak * block)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "leak": self.leak, "seed": self.seed, "at": self.at}


def _shares(leak):
    if isinstance(leak, (list, tuple)):
        return [checks.number(f"leak[{index}]", value, low=0, high=1) for index, value in enumerate(leak)]
    return checks.number("leak", leak, low=0, high=1)


BALANCERS.register(GradDrop, name="graddrop")
