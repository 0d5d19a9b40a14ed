"""The registry of architectures: registered builders, which record how they were called."""

import functools
import inspect
from collections.abc import Callable, Mapping

import keras

from mtlzoo.registry import Registry

ARCHITECTURES = Registry("architecture")
names, describe = ARCHITECTURES.names, ARCHITECTURES.describe


def architecture(builder: Callable) -> Callable:
    """Registers a builder under its own name and lets its models know the arguments that made them.

    Args:
        builder: a function `(inputs, tasks, *, …) -> MultiTaskModel`.

    Returns:
        The builder; its models carry `model.builder`, saved with them.

    Raises:
        ValueError: the name is taken.

    Source: the registration by function name of timm.
    """
    signature = inspect.signature(builder)

    @functools.wraps(builder)
    def build(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        model = builder(*bound.args, **bound.kwargs)
        arguments = {**bound.arguments, "tasks": model.tasks, "inputs": _shapes(bound.arguments["inputs"])}
        model.record_builder(builder.__name__, arguments)
        return model

    return ARCHITECTURES.register(build)


def _shapes(inputs):
    """Inputs as shapes (with their dtypes where these are not the usual one), so that the record outlives the tensors."""
    if isinstance(inputs, keras.KerasTensor):
        shape, dtype = tuple(inputs.shape[1:]), keras.backend.standardize_dtype(inputs.dtype)
        return shape if dtype == keras.config.floatx() else (*shape, dtype)
    return {key: _shapes(value) for key, value in inputs.items()} if isinstance(inputs, Mapping) else inputs


def get(name: str) -> Callable:
    """Returns the builder of that name.

    Args:
        name: a registered name such as `"hard_sharing"`.

    Returns:
        The builder function.

    Raises:
        ValueError: the name is unknown; the nearest one is given.

    Source: `timm.create_model`-like look-up by name.

    >>> get("hard_sharing").__name__
    'hard_sharing'
    """
    return ARCHITECTURES.get(name)


def rebuild(model: keras.Model, **changes) -> keras.Model:
    """Builds a fresh model as `model` was built, with some arguments changed.

    Args:
        model: a model that a builder made, or that was loaded from its file.
        **changes: arguments of the builder to change.

    Returns:
        A compiled model with fresh weights.

    Raises:
        ValueError: the model was not made by a builder.
        TypeError: the builder has no argument of that name.

    Source: the house's rule that constructor arguments are saved.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> model = hard_sharing((8,), [Task.binary("a")], seed=0)
    >>> rebuild(model, tower=(4,)).builder["arguments"]["tower"]
    [4]
    """
    if model.builder is None:
        raise ValueError(f"`model` must be made by a builder of mtlzoo.architectures; {model.name!r} was not.")
    return get(model.builder["name"])(**{**model.builder["arguments"], **changes})
