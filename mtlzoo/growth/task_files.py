"""`save_task` and `load_task`: one task's own weights in a file of their own."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np

from mtlzoo import checks, files
from mtlzoo._sharing import operations_behind
from mtlzoo.growth import _network, _slices
from mtlzoo.layers import Packed
from mtlzoo.model import MultiTaskModel


def save_task(model: MultiTaskModel, task: str, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
    """Writes a task's own weights, those that its output alone depends on, to a file.

    Layers that hold a slice for each task give the task's slice, and packed layers the task's group. The file knows the places and
    shapes of these weights, the kind of task, and fingerprints of the shared weights that the task reads and of what its layers compute.
    Optimizer and alphas are not in it.

    Args:
        model: the model.
        task: the task's name.
        path: the file to write.
        overwrite: whether a file that is there may be replaced.

    Returns:
        The path. The file is whole or not there: it is written aside and renamed.

    Raises:
        ValueError: the file exists, or the task is unknown or has no weights of its own.
        TypeError: `model` is no `MultiTaskModel`.

    Source: the files of adapters in Houlsby et al. (ICML 2019): one shared network, and a small file a task.

    >>> import tempfile
    >>> from mtlzoo import Task, architectures
    >>> model = architectures.hard_sharing((3,), [Task.binary("a"), Task.binary("b")], trunk="mlp", seed=0)
    >>> path = save_task(model, "a", Path(tempfile.mkdtemp()) / "a.npz")
    >>> before = model.get_layer("a").get_weights()[0]
    >>> _ = model.get_layer("a").kernel.assign(before + 1)
    >>> load_task(model, path), bool((model.get_layer("a").get_weights()[0] == before).all())
    ('a', True)
    """
    own, shared = _weights(model, task)
    if not own:
        raise ValueError(f"`task` must have weights of its own to be saved; {task!r} has none: others read all that it reads.")
    path = files.free_path("path", path, overwrite)
    head = {"task": task, **_head(model, task), "own": _shapes(own), "shared": _fingerprint(shared)}
    content = io.BytesIO()
    np.savez(content, head=np.array(json.dumps(head)), **{str(index): value for index, (_, value, *_) in enumerate(own)})
    return files.write(path, content.getvalue())


def load_task(model: MultiTaskModel, path: str | os.PathLike) -> str:
    """Sets a task's own weights to those of a file; nothing changes if the file is of another model.

    Args:
        model: the model that the file was written from, or one of the same network with the same shared weights.
        path: a file that `save_task` wrote.

    Returns:
        The task's name.

    Raises:
        ValueError: the file is none of `save_task`; the model lacks the task; it is of another kind there; its own weights have other
            places or shapes; its layers compute something else; or the shared weights are not those that the task was trained with.
        TypeError: `model` is no `MultiTaskModel`.

    Source: as `save_task`, where an example is.
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    head, values = _read(Path(checks.instance("path", path, (str, os.PathLike), "a path")))
    names = [task.name for task in model.tasks]
    if head["task"] not in names:
        raise ValueError(
            f"`path` holds the task {head['task']!r}, and the model has the tasks {names}; add it with mtlzoo.growth.add_task."
        )
    own, shared = _weights(model, head["task"])
    here, found = _head(model, head["task"]), _shapes(own)
    if here["output"] != head["output"]:
        raise ValueError(
            f"`path` must be of the same kind of task: {head['task']!r} is {here['output']} in the model; the file has {head['output']}."
        )
    if found != head["own"]:
        unlike = [part for part in head["own"] if part not in found] + [part for part in found if part not in head["own"]]
        raise ValueError(
            f"`path` must be of the same network: weights of task {head['task']!r} have other places or shapes, such as {unlike[0]}."
        )
    if _fingerprint(shared) != head["shared"]:
        raise ValueError(f"`path` must be of the same model: the shared weights are not those that task {head['task']!r} was saved with.")
    if here["network"] != head["network"]:
        raise ValueError(
            f"`path` must be of the same network: the layers that task {head['task']!r} reads compute something else, such as another "
            "activation."
        )
    for (_, _, variable, index), value in zip(own, values, strict=True):
        if index is None:
            variable.assign(value)
        else:
            every = np.array(keras.ops.convert_to_numpy(variable))
            every[index] = value
            variable.assign(every)
    return head["task"]


def _head(model, name):
    """What a task's weights are for: its kind of output, and the network behind it."""
    config = next(task for task in model.tasks if task.name == name).get_config()
    behind = {operation.name: operation for operation in operations_behind(model.output[name])}
    return {"output": {part: config[part] for part in ("kind", "units", "activation")}, "network": _network.network(behind)}


def _shapes(own):
    return [[place, list(value.shape)] for place, value, *_ in own]


def _weights(model, name):
    """A task's own weights, and the shared ones that it reads, each as (place, value, variable, places of its slices or None).

    A weight's place is its layer and its number there; names inside a layer depend on whether it was built or loaded.
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    names = [task.name for task in model.tasks]
    checks.one_of("task", name, names)
    behind = {other: {operation.name: operation for operation in operations_behind(model.output[other])} for other in names}
    others = set().union(*(found for other, found in behind.items() if other != name))
    across = _slices.read_across(behind[name].values()) if len(names) > 1 else set()
    routes = {other: _routes(model.output[other]) for other in names}
    own, shared = [], []
    for layer, operation in sorted(behind[name].items()):
        packed = isinstance(operation, Packed)
        beyond = max((routes[other].get(layer, 0) for other in names if other != name), default=0)
        sliced = getattr(operation, "slices", None) == "tasks"
        for number, variable in enumerate(getattr(operation, "weights", ())):
            value, index, mine = keras.ops.convert_to_numpy(variable), None, layer not in others
            if sliced and (owned := _slices.owned(operation, variable, names)) is not None:
                # Whoever has no slice of its own reads another task's.
                mine = layer not in across and all(reader in owned for reader in names if layer in behind[reader])
                if mine and owned[name] is False:
                    continue
                if mine and owned[name] is not True:
                    index, value = owned[name], value[owned[name]]
            elif packed and (group := operation.group(variable)):
                if group > routes[name][layer]:
                    continue
                mine = mine or group > beyond
            (own if mine else shared).append((f"{layer}[{number}]", value, variable, index))
    return own, shared


def _routes(tensor):
    """The route on which a task reads each packed layer, by the layer's name."""
    found, seen, waiting = {}, set(), [tensor]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) not in seen:
            seen.add(id(tensor))
            history = tensor._keras_history
            node = history.operation._inbound_nodes[history.node_index]
            if isinstance(history.operation, Packed):
                found[history.operation.name] = node.arguments.kwargs.get("route", 0)
            waiting += node.input_tensors
    return found


def _fingerprint(weights):
    """SHA-256 over names, shapes and values."""
    digest = hashlib.sha256()
    for name, value, *_ in weights:
        digest.update(f"{name} {value.shape} {value.dtype}\n".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _read(path):
    """What `save_task` wrote: the head and the values."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(str(stored["head"]))
            return head, [stored[str(index)] for index in range(len(head["own"]))]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"`path` must be a file that mtlzoo.growth.save_task wrote; {str(path)!r} cannot be read ({error}).") from None
