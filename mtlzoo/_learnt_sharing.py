"""What a model has learnt about sharing: the matrices that its layers offer, with names for rows and columns."""

from typing import NamedTuple

import keras
import numpy as np

ROWS_AT_A_TIME = 1024


class Matrix(NamedTuple):
    """A matrix with names for its rows (who reads) and columns (what is read)."""

    values: np.ndarray
    rows: tuple
    columns: tuple


def collect(model, x=None):
    """Returns the matrices that a model's layers offer.

    A layer offers one by `sharing(inputs)`, `sharing_needs_inputs` and `sharing_labels`. Where it runs on several inputs, the row of
    a task is that of the run which the task's output reads.

    Args:
        model: a functional model with one output a task.
        x: inputs as the model reads them, arrays of any number of rows; needed where a matrix depends on them.

    Returns:
        A dict of layer name to `Matrix`, in the order of the layers.

    Raises:
        ValueError: no layer offers one, or one depends on inputs and there are none.
        TypeError: `x` holds something else than arrays.
    """
    layers = [layer for layer in model.layers if hasattr(layer, "sharing")]
    if not layers:
        raise ValueError(
            f"{model.name!r} has no layer that learns how much tasks share. Architectures such as 'mmoe' and 'cross_stitch' have."
        )
    needing = [layer for layer in layers if layer.sharing_needs_inputs]
    if needing and x is None:
        raise ValueError(f"`x` must be given: the matrices of {[layer.name for layer in needing]} depend on it. Received None.")
    found = _over_inputs(model, needing, x) if needing else {}
    return {layer.name: Matrix(found[layer.name] if layer in needing else layer.sharing(), *layer.sharing_labels) for layer in layers}


def _over_inputs(model, layers, x):
    """Matrices that depend on inputs, as means over these, by layer name."""
    names = [task.name for task in model.tasks]
    runs = {name: _runs_behind(model.output[name]) for name in names}
    places = [(layer, run) for layer in layers for run in sorted({run for each in runs.values() for run in each.get(layer.name, ())})]
    read = {str(index): layer._inbound_nodes[run].arguments.args[0] for index, (layer, run) in enumerate(places)}
    probe = keras.Model(model.input, read)
    sums, parts = [0.0] * len(places), keras.tree.flatten(x)
    if not parts or not all(len(np.shape(part)) for part in parts):
        raise TypeError(f"`x` must be an array, or a dict of arrays, as the model reads them; received {type(x).__name__}.")
    rows = len(parts[0])
    for start in range(0, rows, ROWS_AT_A_TIME):
        chunk = keras.tree.map_structure(lambda part, start=start: np.asarray(part[start : start + ROWS_AT_A_TIME]), x)
        share = min(ROWS_AT_A_TIME, rows - start) / rows
        inputs = probe(chunk, training=False)
        sums = [
            total + share * layer.sharing(inputs[str(index)], **_of_run(layer, run))
            for index, (total, (layer, run)) in enumerate(zip(sums, places, strict=True))
        ]
    found = {}
    for layer in layers:
        mine = {run: total for (other, run), total in zip(places, sums, strict=True) if other is layer}
        of_tasks = list(layer.sharing_labels[0]) == names
        rows = [
            np.mean([mine[run][index if of_tasks else slice(None)] for run in runs[name][layer.name]], 0)
            for index, name in enumerate(names)
        ]
        found[layer.name] = np.stack(rows) if of_tasks else np.mean(rows, 0)
    return found


def _of_run(layer, run):
    """The number of the run, for layers that keep something for each."""
    return {key: value for key, value in layer._inbound_nodes[run].arguments.kwargs.items() if key == "run"}


def _runs_behind(tensor):
    """Which runs (nodes) of which layers a Keras tensor is computed by: a dict of layer name to node numbers."""
    seen, waiting, found = set(), [tensor], {}
    while waiting:
        tensor = waiting.pop()
        if id(tensor) not in seen:
            seen.add(id(tensor))
            history = tensor._keras_history
            found.setdefault(history.operation.name, set()).add(history.node_index)
            waiting += history.operation._inbound_nodes[history.node_index].input_tensors
    return found
