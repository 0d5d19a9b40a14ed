"""`Branching`: children that each choose one parent, at random while they learn which."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._copies import names
from mtlzoo.layers._sums import mixed
from mtlzoo.layers.runs import OfRuns

# Below it, softmax(θ / temperature) overflows.
LEAST = 1e-6


@keras.saving.register_keras_serializable(package="mtlzoo")
class Branching(OfRuns, keras.layers.Layer):
    """Each child reads one parent: in training a draw of a Gumbel-softmax over the parents, at inference the likeliest parent alone.

    In training a child reads softmax((θ + noise) / τ) of the parents, with noise of the Gumbel distribution, drawn once a batch. The
    temperature τ falls from a first to a last value, each training step by the same factor: draws go from mixtures to choices. A
    layer with `trainable = False` makes its choice in training, too, so that a found tree can be trained on.

    Args:
        parents: names of the parents, in the order of axis 1 of the input.
        children: names of the children, in the order of axis 1 of the output.
        temperature: τ at the start and at the end, both above 0.
        steps: the number of training steps from start to end.
        seed: the seed of the draws; None leaves it to chance.
        slices: "tasks" if each child is a task: balancers then leave its θ to the task's own gradient.
        name: the layer's name.
        trainable: whether θ is trained.
        dtype: as in Keras.

    Input [batch, parents, ...], or [batch, 1, ...] if all parents are the same; output [batch, children, ...]. Weights: `logits` θ
    [children, parents], which start at 0, and the number of training steps so far, not trained; neither if there is nothing to choose.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Guo et al., "Learning to branch for multi-task learning", ICML 2020; τ falls exponentially, which is ours.

    >>> choose = Branching(("left", "right"), ("a", "b", "c"))
    >>> x = ops.array([[[1.0], [2.0]]])
    >>> _ = choose(x)
    >>> _ = choose.logits.assign([[0.0, 5.0], [5.0, 0.0], [0.0, 1.0]])
    >>> choose(x).numpy().tolist(), choose.choices()
    ([[[2.0], [1.0], [2.0]]], ('right', 'left', 'right'))
    """

    sharing_needs_inputs = False

    def __init__(
        self,
        parents: Sequence[str],
        children: Sequence[str],
        *,
        temperature: Sequence[float] = (10.0, 0.1),
        steps: int = 1000,
        seed: int | None = None,
        slices: str | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.parents, self.children = names("parents", parents), names("children", children)
        given = checks.instance("temperature", temperature, (list, tuple), "a pair of temperatures, at the start and at the end")
        if len(given) != 2:
            raise ValueError(f"`temperature` must be a pair of temperatures, at the start and at the end; received {list(given)}.")
        self.temperature = tuple(checks.number("temperature", value, low=0, strict=True) for value in given)
        if min(self.temperature) < LEAST:
            raise ValueError(f"`temperature` must be {LEAST:g} or more at both ends; received {list(given)}.")
        self.steps = checks.integer("steps", steps, low=1)
        self.supports_masking = True
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.draws = keras.random.SeedGenerator(None if seed is None else seeds.derive(seed, "branching"))
        self.logits = None

    def build(self, input_shape):
        """Makes θ, and the count of training steps."""
        count = len(self.parents)
        if len(input_shape) < 3 or input_shape[1] not in (1, count):
            raise ValueError(f"`inputs` of {self.name!r} must be [batch, {count} or 1, ...]; received the shape {tuple(input_shape)}.")
        if input_shape[1] > 1:
            self.logits = self.add_weight(name="logits", shape=(len(self.children), count), initializer="zeros", autocast=False)
            self.step = self.add_weight(
                name="step", shape=(), initializer="zeros", trainable=False, autocast=False, aggregation="mean", dtype="float32"
            )

    def call(self, x, training=None, run=0):
        """Returns what the children read, [batch, children, ...]."""
        if self.logits is None:
            return ops.repeat(x, len(self.children), axis=1)
        weights = self._draw(run) if training and self.trainable else self._choice()
        return mixed(ops.cast(weights, x.dtype), x)

    def compute_output_shape(self, input_shape):
        """Returns [batch, children, ...]."""
        return (input_shape[0], len(self.children), *input_shape[2:])

    def choices(self) -> tuple[str, ...]:
        """Returns the name of the parent that each child reads at inference, the likeliest one (the first of several)."""
        if self.logits is None:
            return self.parents[:1] * len(self.children)
        return tuple(self.parents[place] for place in ops.convert_to_numpy(self.logits).argmax(axis=1))

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: children and parents."""
        return self.children, self.parents

    def sharing(self, inputs=None):
        """Returns how likely each child is to read each parent, softmax(θ) [children, parents]."""
        logits = ops.zeros((len(self.children), len(self.parents))) if self.logits is None else ops.cast(self.logits, "float32")
        return ops.convert_to_numpy(ops.softmax(logits, axis=-1))

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"parents": list(self.parents), "children": list(self.children), "temperature": list(self.temperature)}
        return {**super().get_config(), **own, "steps": self.steps, "seed": self.seed, "slices": self.slices}

    def _draw(self, run):
        first, last = self.temperature
        temperature = first * ops.power(last / first, ops.minimum(self.step / self.steps, 1.0))
        if run == 0:  # Several runs are one step.
            self.step.assign(ops.minimum(self.step + 1, float(self.steps)))
        # Bounds that keep both logarithms finite.
        even = keras.random.uniform(self.logits.shape, 1e-6, 1 - 1e-6, dtype="float32", seed=self.draws)
        return ops.softmax((ops.cast(self.logits, "float32") - ops.log(-ops.log(even))) / temperature, axis=-1)

    def _choice(self):
        return ops.one_hot(ops.argmax(self.logits, axis=-1), len(self.parents))
