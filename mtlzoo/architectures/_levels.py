"""What networks of several levels of experts have in common: the experts of a level behind the first."""

import keras

from mtlzoo import checks, seeds
from mtlzoo.layers import ForEach, StackedDense


def read_widths(levels):
    """Returns the widths of the levels behind the first as a tuple."""
    return checks.widths("levels", levels)


def dense_experts(width, copies, seed, name, slices=None):
    """Returns one dense ReLU layer for each name of a copy, as one layer.

    Args:
        width: units of each.
        copies: the experts' names.
        seed: the one seed of all initial weights.
        name: the name of the level and the sort of its experts.
        slices: "tasks" if each expert serves one task alone.
    """
    made = []
    for copy in copies:
        config = keras.layers.Dense(width, activation="relu").get_config()
        made.append(keras.layers.Dense.from_config({**seeds.reseed(config, seed, name, copy), "name": f"{name}_{copy}"}))
    return StackedDense(made, copies, slices=slices, name=name)


def each(times, name):
    """Returns a function from [batch, N, ...] to [batch, N · times, ...], every entry `times` times."""
    return ForEach(times, name=name) if times > 1 else lambda x: x
