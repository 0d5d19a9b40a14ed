"""`Copies`: the unbuilt layers that a stacked layer stands for, and what its variables take from each of them."""

import json
from collections.abc import Sequence

import keras
from keras import ops

from mtlzoo import checks, seeds
from mtlzoo.layers._seeded import without

_ENTRYWISE = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


class Copies:
    """N Keras layers that differ in nothing but names and seeds, each with the name of its copy.

    Held outside Keras' tracking: these layers say how to start and how to compute, their weights live in the stacked layer.

    Args:
        layer: a layer, of which copies are made that start different, or a sequence of one layer a copy.
        copies: names of the copies, or their number; None for the names of the layers.
        kind: the class that they must have.
    """

    def __init__(self, layer, copies, kind):
        single = isinstance(layer, keras.layers.Layer)
        given = [layer] if single else list(checks.instance("layer", layer, Sequence, "a Keras layer or a sequence of them"))
        if not given:
            raise ValueError("`layer` must be a Keras layer or a sequence of at least one; received none.")
        for one in given:
            checks.instance("layer", one, kind, f"a keras.layers.{kind.__name__} or a sequence of them")
        self.names = _named([one.name for one in given] if copies is None else copies)
        # The weights that a layer has already are those that its copies start with.
        self.start = [_weights(one) for one in given]
        if single:
            given, self.start = [_copied(layer, name) for name in self.names], self.start * len(self.names)
        if len(given) != len(self.names):
            raise ValueError(f"`copies` must name each of the {len(given)} layers; received {list(self.names)}.")
        self.layers = given
        if len({_likeness(one) for one in given}) > 1:
            raise ValueError("`layer` must hold layers that differ in nothing but names and seeds.")

    def __len__(self):
        return len(self.names)

    @property
    def first(self):
        """The first copy, which computes as all others do."""
        return self.layers[0]

    @property
    def trainable(self):
        """Whether the copies are trained, all or none."""
        found = {layer.trainable for layer in self.layers}
        if len(found) > 1:
            raise ValueError("`trainable` must be said where some of the layers in `layer` are trainable and some are not.")
        return found.pop()

    def index(self, copy):
        """Returns the place of a copy, given by its name or place."""
        if isinstance(copy, str):
            return self.names.index(checks.one_of("copy", copy, self.names))
        return checks.integer("copy", copy, low=0, high=len(self) - 1)

    def initializer(self, attribute):
        """Returns an initializer for [N, ...] that starts every slice as its copy would start."""
        each = [getattr(layer, attribute) for layer in self.layers]
        return lambda shape, dtype=None: ops.stack([one(shape[1:], dtype=dtype) for one in each])

    def regularizer(self, attribute, axis=0):
        """Returns the sum over copies of their regularizer, or None."""
        one = getattr(self.first, attribute, None)
        if one is None or type(one) in _ENTRYWISE:
            return one
        return lambda values: sum(one(part) for part in ops.unstack(values, axis=axis))

    def constraint(self, attribute):
        """Returns a constraint for [N, ...] that treats every slice by itself, or None."""
        one = getattr(self.first, attribute, None)
        return one and (lambda values: ops.stack([one(part) for part in ops.unstack(ops.convert_to_tensor(values))]))


def names(argument, given):
    """Returns names as a tuple after checking that there is one, that none is empty and that none stands twice."""
    wanted = "a sequence of names"
    checks.instance(argument, given, (list, tuple), wanted)
    found = tuple(checks.instance(argument, name, str, wanted) for name in given)
    if not found or "" in found or len(set(found)) < len(found):
        raise ValueError(f"`{argument}` must be at least one name, none empty and none twice; received {list(found)}.")
    return found


def _named(copies):
    if isinstance(copies, int) and not isinstance(copies, bool):
        copies = [f"copy{index}" for index in range(checks.integer("copies", copies, low=1))]
    return names("copies", checks.instance("copies", copies, (list, tuple), "a number of copies or a sequence of their names"))


def _copied(layer, name):
    return type(layer).from_config({**seeds.reseed(layer.get_config(), None, name), "name": name})


def _weights(layer):
    return layer.get_weights() if layer.built and layer.weights else None


def _likeness(layer):
    """What copies must have in common, as text."""
    config = keras.saving.serialize_keras_object({**layer.get_config(), "name": None})
    return json.dumps([type(layer).__name__, without(config, "seed", "shared_object_id", "trainable")])
