"""Functional graphs: copies of a model, and paths that are walked again with something put in between."""

import keras

from mtlzoo import checks
from mtlzoo.layers import Distillation
from mtlzoo.model import MultiTaskModel


def copied(model):
    """Returns a model of the same layers and weights that shares nothing with the first; it is not compiled."""
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    copy = MultiTaskModel.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def without_teachers(model):
    """Returns outputs and representation of a model, with `Distillation` layers left out where there are any."""
    if not any(isinstance(layer, Distillation) for layer in model.layers):
        return dict(model.output), model.representation
    path = Path()
    outputs = {name: path.of(tensor) for name, tensor in model.output.items()}
    return outputs, None if model.representation is None else path.of(model.representation)


class Path:
    """Walks the way to a tensor again: the same layers, called anew, from the same inputs.

    Args:
        call: a function (layer, args, kwargs) -> outputs that runs a layer its own way; None to call each as it was.
    """

    def __init__(self, call=None):
        self._call, self._found = call or (lambda layer, args, kwargs: layer(*args, **kwargs)), {}

    def of(self, tensor):
        """Returns the tensor that stands for `tensor` on the new way."""
        if id(tensor) in self._found:
            return self._found[id(tensor)]
        history = tensor._keras_history
        layer, node = history.operation, history.operation._inbound_nodes[history.node_index]
        if isinstance(layer, keras.layers.InputLayer):
            return tensor
        args, kwargs = keras.tree.map_structure(self._of_any, (node.arguments.args, node.arguments.kwargs))
        made = keras.tree.flatten(args[0][: len(layer.activations)] if isinstance(layer, Distillation) else self._call(layer, args, kwargs))
        self._found |= {id(old): new for old, new in zip(node.output_tensors, made, strict=True)}
        return self._found[id(tensor)]

    def _of_any(self, value):
        return self.of(value) if isinstance(value, keras.KerasTensor) else value
