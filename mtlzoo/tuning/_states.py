"""All that a training moves, as arrays: so that one compiled model can be several models in turn, traced once."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import checks, files
from mtlzoo.callbacks import SameOrder
from mtlzoo.model import MultiTaskModel
from mtlzoo.tuning import _identity


def check_compiled(model):
    """Returns a compiled `MultiTaskModel`, or raises an error; makes the optimizer's variables."""
    checks.instance("model", model, MultiTaskModel, "a compiled MultiTaskModel, as builders return it")
    if not model.compiled:
        raise ValueError(f"`model` must be compiled; {model.name!r} is not.")
    model.optimizer.build(model.trainable_variables)
    return model


def check_data(argument, data):
    """Checks that data are a `tf.data.Dataset`."""
    checks.instance(argument, data, tf.data.Dataset, "a tf.data.Dataset of batches (x, {task: y}, {task: weight})")


def variables(model) -> list[keras.Variable]:
    """All that a step moves, in one order: weights, statistics, random states, optimizer, balancer and alphas."""
    held = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    if model.balancer is not None:
        held += model.balancer.variables
        # Keras does not count the moments of an optimizer that a layer has among the layer's variables.
        parts = [part for layer in model.balancer._flatten_layers() for part in vars(layer).values()]
        held += [variable for part in parts if isinstance(part, keras.optimizers.Optimizer) for variable in part.variables]
    return [*held, model.alphas.vector]


def capture(model) -> list[np.ndarray]:
    """Returns the state of a model as arrays of its own."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables(model)]


def restore(model, state: Iterable[np.ndarray]):
    """Gives a model the state that it, or a model of the same making, had."""
    for variable, value in zip(variables(model), state, strict=True):
        variable.assign(value)


def copy_of(model, balancer=None):
    """Returns a model of the same making and compilation, with the same weights; the optimizer is fresh, and the balancer the one given."""
    made = type(model).from_config(model.get_config())
    made.compile(**{**keras.saving.deserialize_keras_object(model.get_compile_config()), "balancer": balancer})
    for mine, given in zip(_network(made), _network(model), strict=True):
        mine.assign(keras.ops.convert_to_numpy(given))
    return check_compiled(made)


def _network(model):
    return [*model.trainable_variables, *model.non_trainable_variables]


def fit(model, train, validation, *, first: int, last: int) -> list[dict[str, float]]:
    """Trains a model from epoch `first` up to `last`, which is left out; returns the logs, one dict an epoch.

    A mixture of `mtlzoo.data` gives the order of the epoch, whatever was read of it before.
    """
    history = model.fit(
        train, validation_data=validation, initial_epoch=first, epochs=last, verbose=0, callbacks=[SameOrder(validation, train)]
    ).history
    return [{key: float(values[index]) for key, values in history.items()} for index in range(last - first)]


def write_arrays(path: Path, arrays: Iterable[np.ndarray]):
    """Writes arrays to a new file, in their order."""
    np.savez(path, *arrays)


def read_arrays(path: Path) -> list[np.ndarray]:
    """Reads what `write_arrays` wrote."""
    with np.load(path) as held:
        return [held[f"arr_{index}"] for index in range(len(held.files))]


def claim(folder, settings: dict, what: str) -> Path | None:
    """Returns a folder for results, or None; one that is there must have been made with the same settings.

    Args:
        folder: a path, or None.
        settings: all that decides the results, in plain types.
        what: whose results these are, for the message.

    Raises:
        ValueError: the folder holds something else, or results of other settings, which stay as they are.
    """
    if folder is None:
        return None
    path, settings = Path(checks.instance("folder", folder, (str, Path), "a path or None")), json.loads(json.dumps(settings))
    note = path / "settings.json"
    if not note.is_file():
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise ValueError(f"`folder` must be new or hold {what}; {str(path)!r} holds something else, and stays as it is.")
        files.free_path("folder", path)
        files.write(note, (json.dumps(settings, indent=2) + "\n").encode())
        return path
    try:
        there = json.loads(note.read_text(encoding="utf-8"))
    except ValueError:
        there = None
    if there != settings:
        other = there if isinstance(there, dict) else {}
        differ = sorted(key for key in settings.keys() | other.keys() if settings.get(key) != other.get(key))
        raise ValueError(
            f"`folder` must be new or hold {what} with the same settings; {str(path)!r} was made with other {', '.join(differ)}, "
            "and stays as it is."
        )
    return path


def recipe(model) -> dict[str, str]:
    """What decides how a model is trained, and from where, as two digests: so that results of another model are told apart."""
    network = json.dumps(_identity.without_names(keras.saving.serialize_keras_object(model)), sort_keys=True, default=str)
    start = hashlib.sha256(b"".join(value.tobytes() for value in capture(model)))
    return {"model": hashlib.sha256(network.encode()).hexdigest(), "start weights": start.hexdigest()}
