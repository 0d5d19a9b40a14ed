"""`seeded`: a layer as another would be that starts with weights of its own."""

from mtlzoo import seeds


def seeded(layer, seed, *names):
    """Returns an unbuilt layer of the same configuration whose seeds belong to the names, and to `seed` if it is not None."""
    return type(layer).from_config(seeds.reseed(without(layer.get_config(), "shared_object_id"), seed, *names))


def without(config, *keys):
    """Returns a configuration without some keys, at any depth.

    While Keras loads a model it marks whatever it serializes with `shared_object_id`, an address in memory, which may be that of
    something else by then.
    """
    if isinstance(config, dict):
        return {key: without(value, *keys) for key, value in config.items() if key not in keys}
    return [without(value, *keys) for value in config] if isinstance(config, (list, tuple)) else config
