"""What mixtures of experts have in common: a stem that all share, stacked experts behind it, gates, and their mixture."""

from collections.abc import Mapping

import keras

from mtlzoo import checks
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.layers import ForAll, Gates, Mixture


class Stem:
    """The first stages of a trunk, once for all experts and gates.

    Args:
        template: the trunk.
        tensor: what the trunk reads, a Keras tensor or a dict of them.
        stages: the number of the stem's stages; None for 0 on vectors and 1 on other inputs.
        seed: the one seed of all initial weights.
    """

    def __init__(self, template, tensor, stages, seed):
        self.size = _read_stem(stages, tensor, template)
        self._stages = template.copy(seed=seed)[: self.size]
        self._for_all, self._places = ForAll(name="for_all"), Places("gates_pool")

    def __call__(self, x):
        """Returns what experts read and what gates read, [batch, 1, ...] and [batch, 1, features]."""
        x = _inputs.apply(self._stages, x)
        return self._for_all(x), self._for_all(self._places(x))


class Places:
    """Averages over the places of images and sequences, so that gates read vectors.

    Args:
        name: the name of the pooling layer, which is there only if there are places.
    """

    def __init__(self, name):
        self.name, self._pool = name, None

    def __call__(self, x):
        """Returns [batch, channels] for [batch, ..., channels]."""
        axes = len(x.shape) - 2
        if not axes:
            return x
        if self._pool is None:
            self._pool = getattr(keras.layers, f"GlobalAveragePooling{axes}D")(name=self.name)
        return self._pool(x)


class Experts:
    """Layers of a mixture of experts, made once and applied to as many inputs as there are.

    Args:
        template: the trunk; its first stages are the stem, and each expert has a copy of the rest.
        tensor: what the trunk reads, a Keras tensor or a dict of them.
        count: the number of experts.
        stem: the number of the stem's stages; None for 0 on vectors and 1 on other inputs.
        readers: names of the gates.
        slices: "tasks" if each gate serves one task alone.
        seed: the one seed of all initial weights.
        gates: a function from the experts' names to the layer of gates; None for softmax gates.
    """

    def __init__(self, template, tensor, count, stem, readers, *, slices=None, seed=None, gates=None):
        names = [f"expert{index}" for index in range(checks.integer("experts", count, low=1))]
        self._stem = Stem(template, tensor, stem, seed)
        self._experts = template.stacked(names, seed, prefix="experts")[self._stem.size :]
        self._mixture = Mixture(name="mixture")
        self._gates = gates(names) if gates else Gates(names, readers, seed=seed, slices=slices, name="gates")

    def __call__(self, x):
        """Returns mixtures of the experts' features, [batch, readers, ...]."""
        x, vectors = self._stem(x)
        features = apply_experts(self._experts, x, len(self._gates.experts))
        return self._mixture([self._gates(vectors), features])


def apply_experts(stages, x, count):
    """Returns the features of stacked experts, [batch, count, ...], after checking that they have weights, and start different."""
    check_different(stages, count)
    features = _inputs.apply(stages, x)
    if features.shape[1] != count:
        raise ValueError("`trunk` must have weights behind its stem: experts without weights are all the same.")
    return features


def check_different(stages, count):
    """Raises `ValueError` if several copies that should differ would start with the same weights."""
    if count > 1 and any(stage.has_start for stage in stages):
        raise ValueError(
            "`trunk` must not have weights yet where it is copied to experts: all would start equal. Give layers that are not built (a "
            "Sequential without keras.Input), or a trunk whose stem holds the stages that have weights."
        )


def _read_stem(stem, tensor, template):
    readable = not isinstance(tensor, Mapping) and "float" in tensor.dtype
    stem = _stages.stem_of(template, (0 if readable and len(tensor.shape) == 2 else 1) if stem is None else stem)
    if stem == 0 and not readable:
        raise ValueError("`stem` must be at least 1 here: gates read numbers, not several inputs or whole numbers such as token ids.")
    return stem
