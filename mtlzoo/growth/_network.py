"""What the layers behind a task compute, apart from their weights: the network that its file is for."""

import hashlib
import json

import keras

from mtlzoo.layers import Distillation, Packed

# Names, and what decides how weights start and are trained, may differ.
_APART = ("name", "seed", "shared_object_id", "trainable", "dtype", "build_config")


def network(operations):
    """Returns the SHA-256 over the configurations of the layers behind a task, in the order of their names.

    Args:
        operations: dict of name to operation.
    """
    digest = hashlib.sha256()
    for _, operation in sorted(operations.items()):
        if isinstance(operation, keras.layers.Layer) and not isinstance(operation, Distillation):
            digest.update(json.dumps(_computed(operation), sort_keys=True).encode())
    return digest.hexdigest()


def _computed(layer):
    """What a layer computes, in plain types."""
    if isinstance(layer, Packed):  # Groups of later tasks come to it, and this task reads none of them.
        return ["Packed", _computed(layer.layer)]
    if isinstance(layer, keras.Model) and hasattr(layer, "operations"):
        return [_computed(part) for part in layer.layers]
    return [type(layer).__name__, _plain(keras.saving.serialize_keras_object(layer.get_config()))]


def _plain(config):
    if isinstance(config, dict):
        return {key: _plain(value) for key, value in config.items() if key not in _APART and not key.endswith("initializer")}
    return [_plain(value) for value in config] if isinstance(config, (list, tuple)) else config
