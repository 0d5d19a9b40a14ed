"""`DSelectK`: gates that choose k of the experts by smooth binary codes, all of them as one product."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._copies import names


@keras.saving.register_keras_serializable(package="mtlzoo")
class DSelectK(keras.layers.Layer):
    """Gates that end up reading at most k experts: g = Σ_i softmax(α)_i · r(z_i), with r the smooth decoding of a binary code z_i.

    Each of the k selectors of a reader has a code of ⌈log₂ E⌉ numbers. A smooth step S takes a number to a bit: 0 below −γ/2, 1 above
    γ/2, a cubic between; r gives every expert the product of its bits. Gradients are those of a smooth function, and once all codes
    are outside ±γ/2 exactly one expert a selector is left. Where E is no power of two, codes without an expert mean the expert whose
    other bits are the same: so weights always sum to 1, and no penalty need keep the codes off (the paper adds one, this is ours).

    Args:
        experts: names of the experts.
        readers: names of those who read the experts, such as the tasks.
        k: how many experts a reader reads at most, from 1 to the number of experts.
        per_example: whether codes and shares are linear in the input, z = W·x + b, or the same numbers b for all rows.
        gamma: width of the smooth step, above 0: codes further than half of it from 0 are bits.
        entropy: weight λ of the penalty λ·Σ H(r(z)) over readers and selectors (its mean over rows), which drives codes to bits.
        seed: the seed that initial weights follow from, by reader; None leaves them to chance.
        slices: "tasks" if each reader is a task: balancers then leave its selectors to the task's own gradient.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input [batch, 1, features] that all readers read, or [batch, readers, features]; output [batch, readers, experts], which sums to
    1 over the experts. Weights: `bias` [readers, k·m] with m = ⌈log₂ E⌉ for the codes, and for k > 1 k more columns for the α; with
    `per_example` also `kernel` [readers, features, ...] with as many columns.

    Raises:
        ValueError, TypeError: an argument is not as said above, such as k above the number of experts.

    Source: Hazimeh et al., "DSelect-k: differentiable selection in the mixture of experts with applications to multi-task learning",
        NeurIPS 2021.

    >>> gates = DSelectK(("one", "two", "three"), ("click", "like"), k=2)
    >>> g = gates(ops.ones((5, 1, 8)))
    >>> tuple(g.shape), bool(ops.all(ops.abs(ops.sum(g, axis=-1) - 1) < 1e-6))
    ((5, 2, 3), True)
    """

    def __init__(
        self,
        experts: Sequence[str],
        readers: Sequence[str],
        *,
        k: int = 2,
        per_example: bool = True,
        gamma: float = 1.0,
        entropy: float = 0.0,
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.experts, self.readers = names("experts", experts), names("readers", readers)
        self.k = checks.integer("k", k, low=1, high=len(self.experts))
        self.per_example = checks.instance("per_example", per_example, bool, "True or False")
        self.gamma = checks.number("gamma", gamma, low=0, strict=True)
        self.entropy = checks.number("entropy", entropy, low=0)
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.bits = (len(self.experts) - 1).bit_length()

    @property
    def reports_loss(self) -> bool:
        """Whether there is a penalty to report."""
        return self.entropy > 0

    @property
    def sharing_needs_inputs(self) -> bool:
        """Whether `sharing` depends on the input."""
        return self.per_example

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: readers and experts."""
        return self.readers, self.experts

    def build(self, input_shape):
        """Makes codes within a hundredth of γ about 0, where the smooth step is steepest, and shares that start nearly equal."""
        count = len(self.readers)
        if len(input_shape) != 3 or input_shape[1] not in (1, count):
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, {count} or 1, features]; received the shape {tuple(input_shape)}.")
        if not self.bits:
            return  # There is one expert to read, and nothing to choose.
        columns = self.k * self.bits + (self.k if self.k > 1 else 0)
        self.bias = self.add_weight(name="bias", shape=(count, columns), initializer=self._start("bias"))
        if self.per_example:
            shape = (count, input_shape[-1], columns)
            self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self._start("kernel"))

    def call(self, x):
        """Returns the gates, [batch, readers, experts]."""
        selectors, shares = self._selectors(x)
        if self.entropy:
            powers = ops.cast(selectors, "float32")
            self.add_loss(-self.entropy * ops.sum(ops.mean(powers * ops.log(ops.maximum(powers, 1e-12)), axis=0)))
        return self._gates(selectors, shares, x)

    def compute_output_shape(self, input_shape):
        """Returns [batch, readers, experts]."""
        return (input_shape[0], len(self.readers), len(self.experts))

    def sharing(self, inputs=None):
        """Returns the mean gates over a batch, [readers, experts], for what the layer reads; static gates need no input."""
        x = ops.zeros((1, 1, 1), self.compute_dtype) if inputs is None else ops.cast(inputs, self.compute_dtype)
        return ops.convert_to_numpy(ops.mean(ops.cast(self._gates(*self._selectors(x), x), "float32"), axis=0))

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {name: getattr(self, name) for name in ("k", "per_example", "gamma", "entropy", "seed", "slices")}
        return {**super().get_config(), "experts": list(self.experts), "readers": list(self.readers), **own}

    def _selectors(self, x):
        """What each selector reads, [batch or 1, readers, k, experts], and the selectors' shares [batch or 1, readers, k, 1]."""
        if not self.bits:
            return ops.ones((1, len(self.readers), 1, 1), self.compute_dtype), None
        numbers = ops.expand_dims(ops.cast(self.bias, self.compute_dtype), 0)
        if self.per_example:
            numbers = numbers + self._products(x, ops.cast(self.kernel, self.compute_dtype))
        codes = ops.reshape(numbers[..., : self.k * self.bits], (-1, len(self.readers), self.k, self.bits))
        shares = ops.softmax(ops.expand_dims(numbers[..., self.k * self.bits :], -1), axis=-2) if self.k > 1 else None
        return self._decoded(self._smooth_step(codes)), shares

    def _products(self, x, kernel):
        count, width, columns = kernel.shape
        if x.shape[1] == count:
            return ops.einsum("brg,rgc->brc", x, kernel)
        as_one = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (width, count * columns))
        return ops.reshape(ops.matmul(ops.squeeze(x, 1), as_one), (-1, count, columns))

    def _gates(self, selectors, shares, x):
        gates = ops.squeeze(selectors, 2) if shares is None else ops.sum(shares * selectors, axis=2)
        return gates if self.per_example and self.bits else gates + ops.zeros_like(x[:, :1, :1])

    def _smooth_step(self, codes):
        inside = ops.clip(codes / self.gamma, -0.5, 0.5)
        return 0.5 + inside * (1.5 - 2 * ops.square(inside))

    def _decoded(self, steps):
        """Products of bits for each expert, for steps [..., bits]; the last bit parts only those experts that have a partner."""
        found = ops.ones_like(steps[..., :1])
        for place in range(self.bits):
            step = steps[..., place : place + 1]
            pairs = min(found.shape[-1], len(self.experts) - found.shape[-1])
            split = found[..., :pairs]
            found = ops.concatenate([split * (1 - step), found[..., pairs:], split * step], axis=-1)
        return found

    def _start(self, attribute):
        """An initializer that draws reader by reader, so that a reader's start does not depend on who else reads."""
        codes = self.k * self.bits

        def start(shape, dtype=None):
            found = []
            for reader in self.readers:
                seed = None if self.seed is None else seeds.derive(self.seed, reader, "selectors", attribute)
                draw = keras.initializers.RandomUniform(-0.01, 0.01, seed=seed)(shape[1:], dtype=dtype)
                found.append(ops.concatenate([draw[..., :codes] * self.gamma, draw[..., codes:]], axis=-1))
            return ops.stack(found)

        return start
