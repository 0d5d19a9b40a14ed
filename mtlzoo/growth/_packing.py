"""Which weights of a kernel are free, and how layers on the way to features are packed."""

import keras
import numpy as np

from mtlzoo.growth import _graph
from mtlzoo.layers import Packed


def kernels(layers):
    """The layers that have a kernel of their own: those that can be packed, and those that are."""
    return [layer for layer in layers if isinstance(layer, Packed) or hasattr(layer, "kernel")]


def newest(layer):
    """The variable whose zeros are free to prune and to give out: the kernel, or the values of the last group."""
    return layer.values[-1] if isinstance(layer, Packed) else layer.kernel


def free_places(layer):
    """Places in the flattened kernel that no task uses."""
    kernel = layer.layer.kernel if isinstance(layer, Packed) else layer.kernel
    free = keras.ops.convert_to_numpy(kernel).reshape(-1) == 0
    if isinstance(layer, Packed):
        for values, places in zip(layer.values, layer.places, strict=True):
            free[keras.ops.convert_to_numpy(places)[keras.ops.convert_to_numpy(values) != 0]] = False
    return np.flatnonzero(free).astype("int32")


def packed(outputs, representation, read):
    """Packs the layers with a kernel on the way to features, and walks that way again with their free weights.

    Args:
        outputs: dict of the old tasks' outputs.
        representation: what all heads read, or None.
        read: the features that the new task would read.

    Returns:
        The same outputs and representation on packed layers, and the new task's features.
    """
    on_the_way, made = {}, {}
    _graph.Path(lambda layer, args, kwargs: on_the_way.setdefault(layer.name, layer)(*args, **kwargs)).of(read)
    for layer in kernels(on_the_way.values()):
        made[layer.name] = (layer, _made(layer), free_places(layer))
    if not made:
        raise ValueError("`features` must be made by layers with a kernel for how='packnet'; there is none on their way.")

    def walk(route):
        def call(layer, args, kwargs):
            if layer.name not in made:
                return layer(*args, **kwargs)
            chosen = {"route": len(made[layer.name][1].groups)} if route else {}
            return made[layer.name][1](*args, **{"route": 0, **kwargs, **chosen})

        return _graph.Path(call)

    old = walk(False)
    outputs = {name: old.of(tensor) for name, tensor in outputs.items()}
    representation = None if representation is None else old.of(representation)
    read = walk(True).of(read)
    for layer, new, places in made.values():
        before = layer.layer if isinstance(layer, Packed) else layer
        new.layer.set_weights(before.get_weights())
        if isinstance(layer, Packed):
            for mine, theirs in zip([*new.values, *new.places], [*layer.values, None, *layer.places, None], strict=True):
                if theirs is not None:
                    mine.assign(theirs)
        new.places[-1].assign(places)
    return outputs, representation, read


def _made(layer):
    places = free_places(layer)
    if not len(places):
        raise ValueError(f"`model` must have free weights for how='packnet', and {layer.name!r} has none; mtlzoo.growth.prune makes them.")
    before, groups = (layer.layer, layer.groups) if isinstance(layer, Packed) else (layer, ())
    return Packed(type(before).from_config(before.get_config()), (*groups, len(places)), name=layer.name, dtype=layer.dtype_policy)
