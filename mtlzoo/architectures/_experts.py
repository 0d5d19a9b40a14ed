"""What mixtures of experts have in common: a stem that all share, stacked experts behind it, gates, and their mixture."""

from collections.abc import Mapping

import keras

from mtlzoo import checks
from mtlzoo.architectures import _inputs
from mtlzoo.layers import ForAll, Gates, Mixture


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
    """

    def __init__(self, template, tensor, count, stem, readers, *, slices=None, seed=None):
        names = [f"expert{index}" for index in range(checks.integer("experts", count, low=1))]
        stem = _read_stem(stem, tensor, template)
        self._stem = template.copy(seed=seed)[:stem]
        self._experts = template.stacked(names, seed, prefix="experts")[stem:]
        self._for_all, self._mixture = ForAll(name="for_all"), Mixture(name="mixture")
        self._gates = Gates(names, readers, seed=seed, slices=slices, name="gates")
        self._pool = None

    def __call__(self, x):
        """Returns mixtures of the experts' features, [batch, readers, ...]."""
        x = _inputs.apply(self._stem, x)
        features = _inputs.apply(self._experts, self._for_all(x))
        if features.shape[1] != len(self._gates.experts):
            raise ValueError("`trunk` must have weights behind its stem: experts without weights are all the same.")
        return self._mixture([self._gates(self._for_all(self._vectors(x))), features])

    def _vectors(self, x):
        """What gates read: the stem's output, averaged over places if it has any."""
        axes = len(x.shape) - 2
        if not axes:
            return x
        if self._pool is None:
            self._pool = getattr(keras.layers, f"GlobalAveragePooling{axes}D")(name="gates_pool")
        return self._pool(x)


def _read_stem(stem, tensor, template):
    vectors = not isinstance(tensor, Mapping) and len(tensor.shape) == 2
    stem = (0 if vectors else 1) if stem is None else checks.integer("stem", stem, low=0)
    if stem >= len(template.names):
        raise ValueError(f"`stem` must leave at least one of the trunk's stages {list(template.names)} to the experts; received {stem}.")
    readable = not isinstance(tensor, Mapping) and "float" in tensor.dtype
    if stem == 0 and not readable:
        raise ValueError("`stem` must be at least 1 here: gates read numbers, not several inputs or whole numbers such as token ids.")
    return stem
