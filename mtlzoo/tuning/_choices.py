"""One argument of a builder and the values that a search tries for it."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from mtlzoo import checks

PLAIN = (str, int, float, bool, type(None))


class Choices:
    """Values of an argument, each under a label that keras-tuner can keep: itself for numbers and texts, else what `repr` gives.

    Args:
        name: the argument.
        given: a sequence of plain values, or a dict of label to any value that Keras can serialize.
    """

    def __init__(self, name, given):
        self.name = name
        pairs = list(given.items()) if isinstance(given, Mapping) else _labelled(name, given)
        self.labels = [label for label, _ in pairs]
        if not pairs:
            raise ValueError(f"`arguments[{name!r}]` must hold at least one value; received none.")
        doubles = sorted({str(label) for label in self.labels if self.labels.count(label) > 1})
        if doubles:
            raise ValueError(
                f"`arguments[{name!r}]` must hold each value once; received {doubles[0]} {self.labels.count(doubles[0])} times."
            )
        self._values = {str(label): keras.saving.serialize_keras_object(value) for label, value in pairs}
        self.default = self.labels[0]

    def prefer(self, value):
        """Makes the default the label of a value, if that is among them."""
        wanted = keras.saving.serialize_keras_object(_listed(value))
        for label, _ in zip(self.labels, self._values, strict=True):
            if keras.saving.serialize_keras_object(_listed(self.value(label))) == wanted:
                self.default = label

    def value(self, label):
        """Returns the value of a label, made anew each time: an optimizer belongs to one model."""
        return keras.saving.deserialize_keras_object(self._values[str(label)])

    def declare(self, hp):
        """Declares the hyperparameter, and returns its label in this trial, or None where it is not active."""
        return self.labels[0] if len(self.labels) == 1 else hp.Choice(self.name, self.labels, default=self.default)

    def config(self):
        """Returns label and serialized value of each choice."""
        return [[label, self._values[str(label)]] for label in self.labels]

    @classmethod
    def from_config(cls, name, config):
        """Makes the choices that `config` told of."""
        made = cls(name, [label for label, _ in config])
        made._values = {str(label): value for label, value in config}
        return made


def _labelled(name, given):
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"`arguments[{name!r}]` must be a list of values or a dict of label to value; received {given!r}.")
    values = [value.item() if isinstance(value, np.generic) else value for value in given]
    kinds = {type(value) for value in values}
    own = len(kinds) == 1 and kinds <= {str, int, float}
    for value in values:
        if not _is_plain(value):
            raise TypeError(
                f"`arguments[{name!r}]` must hold numbers, texts, None or sequences of them; received {value!r} of type "
                f"{type(value).__name__}. Give other values as a dict of label to value."
            )
    return [(value if own else repr(value), value) for value in values]


def _is_plain(value):
    if isinstance(value, (list, tuple)):
        return all(_is_plain(part) for part in value)
    return isinstance(value, PLAIN)


def _listed(value):
    """Tuples as lists: the record of a builder's arguments does not tell them apart."""
    return [_listed(part) for part in value] if isinstance(value, (list, tuple)) else value


def names_of(argument, given, known):
    """Returns a sequence of names as a list, each once and each known.

    Args:
        argument: the argument's name.
        given: the names; None may be among them if it is among the known ones.
        known: the valid names.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"`{argument}` must be a list of names; received {given!r} of type {type(given).__name__}.")
    if not given:
        raise ValueError(f"`{argument}` must hold at least one name, or be None; received none.")
    for name in given:
        if name not in known:
            raise checks.unknown_name(argument, name, [each for each in known if each is not None])
    doubles = [name for name in given if list(given).count(name) > 1]
    if doubles:
        raise ValueError(f"`{argument}` must hold each name once; received {doubles[0]!r} {len(doubles)} times.")
    return list(given)
