"""RotoGrad, task gradients of one length and turned towards each other (Javaloy and Valera, ICLR 2022)."""

import math

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing import _masked
from mtlzoo.balancing._base import GramBalancer
from mtlzoo.balancing._registry import BALANCERS

# Adam as usual, but for ε: entries of the objective's slope are about 1/size, and below 1e-6 they are rounding.
_FAST, _SLOW, _EPSILON = 0.1, 0.001, 1e-6


@keras.saving.register_keras_serializable(package="mtlzoo")
class RotoGrad(GramBalancer):
    """Brings the task gradients at the shared representation to one length, and turns what each head reads so that they align.

    Lengths: with n_k = ‖G_k‖ over the batch, n_k⁰ the first one that is not 0, and α_k = (n_k/n_k⁰)/Σ_i(n_i/n_i⁰), all gradients
    get the length C = Σ α_k·n_k: w_k = C/n_k. Tasks whose gradients have shrunk least decide on it. Directions: each head reads
    R_k·z in place of z, and R_k takes a step of Adam up Σ_n⟨R_kᵀg̃_nk, v_n⟩, with g̃ the gradient at R_k·z and v the mean of all
    G_k/n_k, both held. The step is one on the skew-symmetric matrices, R ← R·(I − Ω/2)⁻¹(I + Ω/2), so that R stays orthogonal;
    the paper has the exponential map in place of this one of Cayley, which agrees with it up to Ω³. The heads must be able to
    follow: the paper asks for a rate below that of the network. Heads take the gradient of their own loss.

    The builder puts a `Rotation` in front of each task's tower and head if this balancer is handed to it, as in
    `hard_sharing(..., balancer="rotograd")`; on a model without them it is refused. A step costs about size³ operations a task more
    than one of another balancer at the representation. `aggregate` sees no heads, and so has nothing to turn: it scales.
    A task without a label keeps its rotation and its n⁰, and the others come out as if it were not there; a zero gradient gets
    weight 0. The authors' code takes n⁰ anew after 20 steps.

    Args:
        learning_rate: of the rotations; 0 only scales. At the network's own rate (0.001 for Adam) the heads fall behind.
        scale: whether gradients are brought to one length; False only rotates.
        size: how many features of the representation are turned, from the first on, where there are more; None turns all.
        every: as in `GramBalancer`; rotations rest in between, too.
        freeze_after: as in `Balancer`; rotations stay as they are from then on.
        name: the balancer's name.

    Returns:
        A balancer for `compile(balancer=...)`; called with losses [T], present [T] and G [T, T] it gives weights [T], float64.

    Raises:
        ValueError: an argument is out of bounds, or the balancer is used again for a representation of another size.

    Source: Javaloy and Valera, "RotoGrad: Gradient Homogenization in Multitask Learning", ICLR 2022, sections 4.1 and 4.2 and
        algorithm 1.

    >>> from mtlzoo.balancing import aggregate
    >>> direction, weights = aggregate("rotograd", [[1.0, 0.0], [0.0, 3.0]])
    >>> [round(float(value), 6) for value in direction]
    [2.0, 2.0]
    """

    rotates = True

    def __init__(self, learning_rate=1e-4, scale=True, size=256, *, every=1, freeze_after=None, name="rotograd"):
        super().__init__(at="representation", every=every, freeze_after=freeze_after, name=name)
        self.learning_rate = checks.number("learning_rate", learning_rate, low=0)
        self.scale = checks.instance("scale", scale, bool, "True or False")
        self.rotation_size = size if size is None else checks.integer("size", size, low=1)
        self.matrices = ()

    def set_sizes(self, sizes):
        """Takes the shapes of the rotations, one a task; numbers, as `aggregate` gives them, mean that there are none."""
        shapes = tuple(tuple(shape) for shape in sizes or () if not isinstance(shape, int))
        if self.built and shapes and shapes != self.sizes:
            raise ValueError(f"`balancer` {self.name!r} turns matrices of the shapes {self.sizes} already; make a new one for {shapes}.")
        self.sizes = shapes or self.sizes

    def set_rotations(self, matrices):
        """Takes the rotations, one variable [size, size] a task; they belong to their layers."""
        object.__setattr__(self, "matrices", tuple(matrices))

    def build(self, input_shape):
        """Makes the first norms [T], and the moments of the rotations."""
        self.first_norms = self.state("first_norms", tuple(input_shape), dtype="float64")
        if self.sizes:
            shape = (len(self.sizes), *self.sizes[0])
            self.slopes, self.squares = self.state("slopes", shape), self.state("squares", shape)
            self.turns = self.state("turns", tuple(input_shape), dtype="float64")

    def call(self, losses, present, gram):
        """Returns the weights [T]; 0 for tasks without a label."""
        present = _masked.any_of(present)
        if not self.scale:
            return ops.cast(present, "float64")
        norms = self._norms(gram)
        first = ops.convert_to_tensor(self.first_norms)
        first = ops.where(first > 0, first, norms)
        alive = ops.logical_and(present, norms > 0)
        ratios = ops.where(alive, norms / ops.where(alive, first, 1.0), 0.0)
        total = ops.sum(ratios)
        length = ops.sum(ratios / ops.where(total > 0, total, 1.0) * norms)
        return ops.minimum(ops.where(alive, length / ops.where(alive, norms, 1.0), 0.0), _masked.MOST)

    def update(self, losses, present, gram=None):
        """Keeps the first norms, and turns the rotations, if the slopes M_k − M_kᵀ of the objective [T, size, size] come with G."""
        gram, slopes = gram if isinstance(gram, tuple) else (gram, None)
        missing = ops.logical_and(present, ops.convert_to_tensor(self.first_norms) == 0)
        self.first_norms.assign(ops.where(missing, self._norms(gram), self.first_norms))
        if slopes is not None:
            self._turn(slopes, present)

    def _turn(self, slopes, present):
        moved = ops.cast(present, "float32")[:, None, None]
        self.slopes.assign(self.slopes + _FAST * moved * (slopes - self.slopes))
        self.squares.assign(self.squares + _SLOW * moved * (slopes**2 - self.squares))
        self.turns.assign(self.turns + ops.cast(present, "float64"))
        slope, square = self.slopes / self._known(_FAST), self.squares / self._known(_SLOW)
        half = 0.5 * self.learning_rate * moved * slope / (ops.sqrt(square) + _EPSILON)
        unit = ops.eye(self.sizes[0][0])
        turned = ops.matmul(ops.stack([matrix + 0.0 for matrix in self.matrices]), ops.solve(unit - half, unit + half))
        # One step of Newton and Schulz: rounding does not add up over the steps.
        turned = ops.matmul(turned, 1.5 * unit - 0.5 * ops.matmul(ops.transpose(turned, (0, 2, 1)), turned))
        for task, matrix in enumerate(self.matrices):
            matrix.assign(ops.where(present[task], ops.cast(turned[task], matrix.dtype), matrix))

    def _known(self, share):
        """How much of the moments the steps so far make up, for each task."""
        count = ops.maximum(ops.convert_to_tensor(self.turns), 1.0)
        return ops.cast(1.0 - ops.exp(count * math.log1p(-share)), "float32")[:, None, None]

    def _norms(self, gram):
        return ops.sqrt(ops.maximum(ops.diagonal(ops.cast(gram, "float64")), 0.0))

    def get_build_config(self):
        """Returns what `build_from_config` needs, in lists."""
        config = super().get_build_config()
        return {**config, "sizes": [list(shape) for shape in config["sizes"]]} if config.get("sizes") else config

    def get_config(self):
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.pop("at")
        return {**config, "learning_rate": self.learning_rate, "scale": self.scale, "size": self.rotation_size}


BALANCERS.register(RotoGrad, name="rotograd")
