"""`prune` and `KeepZeros`: weights that a task can do without become free for the next."""

import math

import keras
import numpy as np

from mtlzoo import checks
from mtlzoo._sharing import operations_behind
from mtlzoo.growth import _graph, _packing
from mtlzoo.model import MultiTaskModel


def prune(model: MultiTaskModel, share: float = 0.5, *, optimizer="adam", balancer=None) -> MultiTaskModel:
    """Returns a copy of a model in which the smallest weights are zero, and so free for the next task.

    In each kernel, but for those of heads and towers and of layers that hold a slice for each task, `share` of the entries go to zero,
    those of the least magnitude. In a model that has gained tasks by `add_task(..., how="packnet")` these are entries of the newest task;
    the others lose nothing. Train the copy for a while with the callback `KeepZeros`, to make up for what was lost, before the next task
    is added.

    Args:
        model: a trained model.
        share: how many of a kernel's entries go, above 0 and below 1.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.

    Returns:
        A compiled `MultiTaskModel` that shares nothing with the first.

    Raises:
        ValueError: `share` is out of bounds, or there is no kernel but those that are spared.
        TypeError: `model` is no `MultiTaskModel`.

    Source: Mallya and Lazebnik, "PackNet: Adding multiple tasks to a single network by iterative pruning", CVPR 2018.

    >>> from mtlzoo import Task, architectures
    >>> model = architectures.hard_sharing((8,), [Task.binary("a")], trunk="mlp", seed=0)
    >>> pruned = prune(model, 0.75)
    >>> [float((layer.get_weights()[0] == 0).mean()) for layer in pruned.layers if layer.weights]
    [0.75, 0.75, 0.0]
    """
    checks.number("share", share, low=0, high=1 - 1e-9, strict=True)
    copy = _graph.copied(model)
    layers = _prunable(copy)
    if not layers:
        raise ValueError("`model` must have a layer with a kernel besides heads and towers; it has none.")
    for layer in layers:
        variable = _packing.newest(layer)
        values = np.array(keras.ops.convert_to_numpy(variable))
        flat = values.reshape(-1)
        there = np.flatnonzero(flat)
        gone = max(0, math.ceil(share * flat.size) - (flat.size - len(there)))
        flat[there[np.argsort(np.abs(flat[there]), kind="stable")[:gone]]] = 0
        variable.assign(values)
    copy.compile(optimizer, loss_weights=dict(model.alphas), balancer=balancer)
    return copy


class KeepZeros(keras.callbacks.Callback):
    """Holds the weights at zero that are zero when training begins, after `prune`.

    It looks at every step, so that `fit` does not give TensorFlow several at a time.

    Source: Mallya and Lazebnik (CVPR 2018), where pruned weights stay out of the training that follows.

    >>> from mtlzoo import Task, architectures
    >>> model = prune(architectures.hard_sharing((3,), [Task.binary("a")], trunk="mlp", seed=0))
    >>> _ = model.fit(np.ones((4, 3)), np.ones(4), callbacks=[KeepZeros()], verbose=0)
    >>> float((model.layers[2].get_weights()[0] == 0).mean())
    0.5
    """

    def on_train_begin(self, logs=None):
        """Notes which weights are zero."""
        variables = [_packing.newest(layer) for layer in _prunable(self.model)]
        self._kept = [(variable, keras.ops.cast(keras.ops.not_equal(variable, 0), variable.dtype)) for variable in variables]

    def on_train_batch_end(self, batch, logs=None):
        """Sets them back to zero."""
        for variable, kept in self._kept:
            variable.assign(variable * kept)


def _prunable(model):
    spared = _heads_and_towers(model)
    return [layer for layer in _packing.kernels(model.layers) if layer.name not in spared]


def _heads_and_towers(model):
    """Names of the layers behind the shared features, of those that are named as heads and towers, and of those with a slice a task."""
    names, shared = [task.name for task in model.tasks], model.representation
    prefixes = ("towers", "tasks_tower", *(f"{name}_{part}" for name in names for part in ("tower", "logits")))
    spared = {layer.name for layer in model.layers if layer.name.startswith(prefixes) or getattr(layer, "slices", None) == "tasks"}
    for name in names if shared is not None else ():
        behind = operations_behind(model.output[name], [shared])
        # A task that was added may read features of its own, made by the same layers.
        if not any(isinstance(operation, keras.layers.InputLayer) for operation in behind):
            spared |= {operation.name for operation in behind}
    return spared | set(names)
