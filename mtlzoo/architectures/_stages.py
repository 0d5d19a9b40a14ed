"""Stages of a trunk that several architectures look at: which have weights, and which are shared in front of copies."""

from mtlzoo import checks
from mtlzoo.layers import Folded


def weightless(stage) -> bool:
    """Returns whether no layer of a stacked stage has weights."""
    return all(isinstance(layer, Folded) for layer in stage.layers)


def with_weights(stages) -> list[str]:
    """Returns the names of the stacked stages with weights; raises `ValueError` if there is none."""
    names = [stage.name for stage in stages if not weightless(stage)]
    if not names:
        raise ValueError("`trunk` must have a stage with weights: without them the tasks' features are all the same.")
    return names


def stem_of(template, stem) -> int:
    """Returns the number of first stages that all tasks share, once it is known to leave one to the copies."""
    stem = checks.integer("stem", stem, low=0)
    if stem >= len(template.names):
        raise ValueError(f"`stem` must leave at least one of the trunk's stages {list(template.names)} to be copied; received {stem}.")
    return stem


def copied(template, names, seed, *, prefix, stem, slices=None):
    """Returns the stacked stages behind a stem, once they are known to have weights."""
    stages = template.stacked(names, seed, prefix=prefix, slices=slices)[stem:]
    if all(weightless(stage) for stage in stages):
        raise ValueError("`trunk` must have weights behind its stem: copies without weights are all the same.")
    return stages


def vectors(features):
    """Returns features [batch, copies, features] after checking that they have no places."""
    if len(features.shape) != 3:
        raise ValueError(
            f"`trunk` must end in vectors [batch, features]; received one that ends in the shape {(None, *features.shape[2:])}. "
            "End the trunk with Flatten() or GlobalAveragePooling2D()."
        )
    return features
