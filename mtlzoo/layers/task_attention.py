"""`TaskAttention`: every task looks at shared features through a mask of its own."""

from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.layers._copies import names
from mtlzoo.layers._seeded import seeded
from mtlzoo.layers.runs import OfRuns
from mtlzoo.layers.stacked_dense import StackedDense
from mtlzoo.layers.stacked_layer_norm import StackedLayerNormalization
from mtlzoo.layers.stacked_norm import StackedBatchNormalization


@keras.saving.register_keras_serializable(package="mtlzoo")
class TaskAttention(OfRuns, keras.layers.Layer):
    """A mask a task on shared features: 1×1 convolution, norm, ReLU, 1×1 convolution, norm, sigmoid.

    A 1×1 convolution is a dense layer along the channels, so that maps, sequences and vectors are served alike, and the modules of
    all tasks run as one.

    The norms are batch norms, as in the paper, where features have places (maps, sequences), with statistics over all replicas of a
    distributed model and a momentum of 0.9. The paper has no vectors; on these the norms are layer norms, over the channels. Features
    behind a dense layer and a ReLU may have means of many times their deviations; then each step of the kernels moves what a norm reads
    by about a tenth of its deviation, the stored statistics of a batch norm trail behind by whole deviations, and the model judges by
    other masks than it was trained with. A layer norm stores nothing.

    Args:
        tasks: names of the tasks, in the order of axis 1.
        width: channels between the two convolutions, of which a layer norm needs two; None for as many as the features have.
        norm: "batch" or "layer"; None for batch norms on features with places and layer norms on vectors.
        seed: the seed that initial weights follow from, by task; None leaves them to Keras.
        slices: "tasks" if what a task looks at serves that task alone: balancers then leave its module to its own gradient.
        runs: on how many inputs the layer runs in turn; each run has statistics of its own, where norms have any.
        name: the layer's name.
        trainable: whether weights are trained.
        dtype: as in Keras.

    Input: features [batch, 1, ..., channels] that all tasks read; or a pair of these and what the tasks attended to before,
    [batch, tasks, ..., other channels], which both decide about the mask. Output [batch, tasks, ..., channels], mask times features.

    Raises:
        ValueError, TypeError: an argument or an input is not as said above.

    Source: Liu, Johns and Davison, "End-to-end multi-task learning with attention", CVPR 2019, section 3.1.

    >>> attention, features = TaskAttention(("depth", "edges")), ops.ones((5, 1, 4, 4, 8))
    >>> attended = attention(features)
    >>> tuple(TaskAttention(("depth", "edges"))([features, attended]).shape), attention.sharing(features).shape
    ((5, 2, 4, 4, 8), (2, 8))
    """

    sharing_needs_inputs = True

    def __init__(
        self,
        tasks: Sequence[str],
        width: int | None = None,
        *,
        norm: str | None = None,
        seed: int | None = None,
        slices: str | None = None,
        runs: int = 1,
        name: str | None = None,
        trainable: bool = True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.runs = checks.integer("runs", runs, low=1)
        self.tasks = names("tasks", tasks)
        self.width = width if width is None else checks.integer("width", width, low=1)
        self.norm = norm if norm is None else checks.one_of("norm", norm, ["batch", "layer"])
        self.seed = seed if seed is None else checks.integer("seed", seed)
        self.slices = slices if slices is None else checks.one_of("slices", slices, ["tasks"])
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the modules of all tasks."""
        features, before = _pair(input_shape)
        self._check(features, before)
        self.channels = features[-1]
        width = self.width or self.channels
        self._by_batch = (self.norm or ("batch" if len(features) > 3 else "layer")) == "batch"
        if not self._by_batch and min(width, self.channels) < 2:
            raise ValueError(
                f"`width` of {self.name!r} and the channels of its features must be at least 2 for layer norms, over which a single "
                f"channel is always 0; received width {width} and {self.channels} channels."
            )
        wide = (features[0], len(self.tasks), *features[2:-1], width)
        self._of_features = self._convolution(width, "of_features", features)
        self._of_before = None if before is None else self._convolution(width, "of_before", before)
        self._norm1 = self._norm("norm1", wide)
        self._of_both = self._convolution(self.channels, "of_both", wide)
        self._norm2 = self._norm("norm2", (*wide[:-1], self.channels))

    def call(self, inputs, training=None, mask=None, run=0):
        """Returns the features behind the tasks' masks, [batch, tasks, ..., channels]."""
        return ops.multiply(self.masks(inputs, training, _pair(mask)[0], run), _pair(inputs)[0])

    def masks(self, inputs, training=None, mask=None, run=0):
        """Returns the masks that the tasks put on the features, numbers from 0 to 1.

        Args:
            inputs: as the layer reads them.
            training: whether batch norms, where these are the norms, take the batch's statistics.
            mask: which places of a sequence are there, as Keras hands it on.
            run: number of the run, where the layer runs on several inputs in turn.

        Returns:
            A tensor [batch, tasks, ..., channels].
        """
        features, before = _pair(inputs)
        y = self._of_features(features)
        if before is not None:
            y = ops.add(y, self._of_before(before))
        of_batch = {"training": training, "mask": mask, "run": run} if self._by_batch else {}
        y = ops.relu(self._norm1(y, **of_batch))
        return ops.sigmoid(self._norm2(self._of_both(y), **of_batch))

    def compute_mask(self, inputs, previous_mask):
        """Returns the mask of the features, whose places the output has."""
        return _pair(previous_mask)[0]

    def compute_output_shape(self, input_shape):
        """Returns [batch, tasks, ..., channels]."""
        batch, _, *rest = _pair(input_shape)[0]
        return (batch, len(self.tasks), *rest)

    @property
    def sharing_labels(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the rows and the columns of `sharing`: tasks, and the numbers of the channels."""
        return self.tasks, tuple(str(index) for index in range(self.channels))

    def sharing(self, inputs, run=0):
        """Returns the mean masks over a batch and its places, [tasks, channels], for what the layer reads (in one of several runs)."""
        masks = ops.cast(self.masks(inputs, training=False, run=run), "float32")
        return ops.convert_to_numpy(ops.mean(masks, axis=(0, *range(2, len(masks.shape) - 1))))

    def get_config(self):
        """Returns the arguments in plain types."""
        own = {"tasks": list(self.tasks), "width": self.width, "norm": self.norm, "seed": self.seed}
        return {**super().get_config(), **own, "slices": self.slices, "runs": self.runs}

    @classmethod
    def from_config(cls, config):
        """Makes the layer from what `get_config` returned; one saved before there was a choice has batch norms."""
        return cls(**{"norm": "batch", **config})

    def _convolution(self, width, role, shape):
        # The norm behind has an offset, and no use for a bias.
        copies = [seeded(keras.layers.Dense(width, use_bias=False, dtype=self.dtype_policy), self.seed, task, role) for task in self.tasks]
        return self._built(StackedDense(copies, self.tasks, name=role), shape)

    def _norm(self, role, shape):
        if not self._by_batch:
            return self._built(
                StackedLayerNormalization(keras.layers.LayerNormalization(dtype=self.dtype_policy), self.tasks, name=role), shape
            )
        norm = keras.layers.BatchNormalization(momentum=0.9, synchronized=True, dtype=self.dtype_policy)
        return self._built(StackedBatchNormalization(norm, self.tasks, runs=self.runs, name=role), shape)

    def _built(self, layer, shape):
        layer.trainable = self.trainable
        layer.build(shape)
        return layer

    def _check(self, features, before):
        count = len(self.tasks)
        if len(features) < 3 or features[1] != 1 or features[-1] is None:
            raise ValueError(
                f"`inputs` of {self.name!r} must be features [batch, 1, ..., channels] that all tasks read (mtlzoo.layers.ForAll makes "
                f"them); received the shape {tuple(features)}."
            )
        if before is not None and (before[1] != count or list(before[2:-1]) != list(features[2:-1])):
            raise ValueError(
                f"`inputs` of {self.name!r} must hold what {count} tasks attended to before at the same places, [batch, {count}, ..., "
                f"channels]; received the shapes {tuple(features)} and {tuple(before)}."
            )


def _pair(inputs):
    """Returns features and what was attended to before, or None, for tensors, shapes or masks."""
    apart = isinstance(inputs, (list, tuple)) and len(inputs) == 2 and not isinstance(inputs[1], int)
    return tuple(inputs) if apart else (inputs, None)
