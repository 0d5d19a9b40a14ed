"""The alphas of `L = Σ α_t L_t`: held in a variable, read and set by task name, changed over epochs by schedules."""

import math
import numbers
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from mtlzoo import checks


@keras.saving.register_keras_serializable(package="mtlzoo")
class Alphas(keras.layers.Layer):
    """The weights of the tasks in the total loss, as a live mapping from task name to float.

    Args:
        values: dict of task name to alpha, at least 0.

    Raises:
        ValueError: an alpha is negative, NaN or infinite, or a name is not a task's.

    Source: rule 2 of the model: alphas act at once, without a retrace.

    >>> alphas = Alphas({"digit": 1.0, "fashion": 0.5})
    >>> alphas["fashion"] = 0.25
    >>> dict(alphas)
    {'digit': 1.0, 'fashion': 0.25}
    """

    def __init__(self, values: Mapping[str, float]):
        super().__init__(name="alphas", trainable=False, dtype="float32")
        self.names = tuple(values)
        checked = [checks.number(f"alpha of task {name}", value, low=0) for name, value in values.items()]
        self.vector = self.add_weight(
            shape=(len(checked),), initializer=keras.initializers.Constant(np.array(checked)), trainable=False, name="vector"
        )
        self.built = True

    def _index(self, name):
        return self.names.index(checks.one_of("task", name, self.names))

    def __getitem__(self, name: str) -> float:
        value = keras.ops.convert_to_numpy(self.vector)[self._index(name)]
        return float(np.format_float_positional(value, unique=True))

    def __setitem__(self, name: str, value: float):
        self.update({name: value})

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)

    def __repr__(self):
        return f"Alphas({dict(self)})"

    def keys(self):
        """Returns the task names."""
        return self.names

    def items(self):
        """Returns pairs of task name and alpha."""
        return tuple((name, self[name]) for name in self.names)

    def update(self, values: Mapping[str, float]):
        """Sets the alphas of the tasks named; the others stay; nothing changes if one of them is refused."""
        new = keras.ops.convert_to_numpy(self.vector).copy()
        for name, value in values.items():
            new[self._index(name)] = checks.number(f"alpha of task {name}", value, low=0)
        self.vector.assign(new)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"values": dict(self)}


def constant(value: float) -> Callable[[int], float]:
    """A schedule that stays at one value.

    Args:
        value: the alpha.

    Returns:
        A function of the epoch (from 0).

    >>> constant(0.5)(3)
    0.5
    """
    value = checks.number("value", value, low=0)
    return lambda epoch: value


def linear(start: float, end: float, epochs: int, first: int = 0) -> Callable[[int], float]:
    """A ramp: `start` until epoch `first`, then straight to `end`, reached `epochs` epochs later and kept.

    Args:
        start: the alpha before the ramp.
        end: the alpha after it.
        epochs: its length, at least 1.
        first: the epoch at which it begins.

    Returns:
        A function of the epoch (from 0).

    >>> [linear(0.0, 1.0, epochs=4)(epoch) for epoch in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return _ramp(start, end, epochs, first, lambda share: share)


def cosine(start: float, end: float, epochs: int, first: int = 0) -> Callable[[int], float]:
    """A smooth ramp along half a cosine, flat at both ends.

    Args:
        start: the alpha before the ramp.
        end: the alpha after it.
        epochs: its length, at least 1.
        first: the epoch at which it begins.

    Returns:
        A function of the epoch (from 0).

    Source: the cosine schedule of Loshchilov and Hutter (2017), for a weight.

    >>> [round(cosine(0.0, 1.0, epochs=2)(epoch), 6) for epoch in range(4)]
    [0.0, 0.5, 1.0, 1.0]
    """
    return _ramp(start, end, epochs, first, lambda share: (1 - math.cos(math.pi * share)) / 2)


def piecewise(values: Mapping[int, float]) -> Callable[[int], float]:
    """Steps: from each epoch named on, its value.

    Args:
        values: dict of first epoch to alpha; epoch 0 must be there.

    Returns:
        A function of the epoch (from 0).

    Raises:
        ValueError: epoch 0 is missing.

    >>> [piecewise({0: 0.1, 2: 1.0})(epoch) for epoch in range(4)]
    [0.1, 0.1, 1.0, 1.0]
    """
    steps = sorted((checks.integer("epoch", epoch, low=0), checks.number("alpha", value, low=0)) for epoch, value in values.items())
    if not steps or steps[0][0] != 0:
        raise ValueError(f"`values` must say what holds from epoch 0 on; received {dict(values)!r}.")
    return lambda epoch: [value for first, value in steps if first <= epoch][-1]


class AlphaSchedule(keras.callbacks.Callback):
    """Keras callback that sets alphas at the start of every epoch and logs them as `<task>_alpha`.

    Args:
        schedules: dict of task name to a number, a list of one alpha an epoch (the last one stays), or a function of
            the epoch such as `linear`, `cosine` and `piecewise` make.

    Raises:
        ValueError: a name is not a task's, a list is empty, or a schedule gives a negative or non-finite alpha.
        TypeError: a schedule is none of the above.

    Source: the curriculum "start small and grow" of alphas.

    >>> callback = AlphaSchedule({"fashion": linear(0.0, 1.0, epochs=10), "digit": [1.0, 0.5]})
    >>> callback.at(5)
    {'fashion': 0.5, 'digit': 0.5}
    """

    def __init__(self, schedules: Mapping[str, object]):
        super().__init__()
        checks.instance("schedules", schedules, Mapping, "a dict of task name to schedule")
        self.schedules = {name: _as_schedule(name, schedule) for name, schedule in schedules.items()}

    def at(self, epoch: int) -> dict[str, float]:
        """Returns the alphas of an epoch (from 0) by task name."""
        return {name: checks.number(f"alpha of task {name}", schedule(epoch), low=0) for name, schedule in self.schedules.items()}

    def on_train_begin(self, logs=None):
        """Checks the names against the model's tasks, and the alphas of all epochs, before the first step."""
        for name in self.schedules:
            checks.one_of("schedules key", name, self.model.alphas)
        for epoch in range(self.params.get("epochs") or 0):
            self.at(epoch)

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the alphas of the epoch."""
        self.model.alphas.update(self.at(epoch))

    def on_epoch_end(self, epoch, logs=None):
        """Adds the alphas to the logs."""
        if logs is not None:
            logs.update({f"{name}_alpha": self.model.alphas[name] for name in self.schedules})


def _ramp(start, end, epochs, first, shape):
    start, end = checks.number("start", start, low=0), checks.number("end", end, low=0)
    epochs, first = checks.integer("epochs", epochs, low=1), checks.integer("first", first, low=0)
    return lambda epoch: start + (end - start) * shape(min(max(epoch - first, 0) / epochs, 1.0))


def _as_schedule(name, schedule):
    if callable(schedule):
        return schedule
    if isinstance(schedule, (Sequence, np.ndarray)) and not isinstance(schedule, str):
        if len(schedule) == 0:
            raise ValueError(f"`schedules[{name!r}]` must hold at least one alpha; received an empty list.")
        values = [checks.number(f"alpha of task {name}", value, low=0) for value in schedule]
        return lambda epoch: values[min(epoch, len(values) - 1)]
    if isinstance(schedule, numbers.Real):
        return constant(schedule)
    raise TypeError(f"`schedules[{name!r}]` must be a number, a list or a function of the epoch; received {schedule!r}.")
