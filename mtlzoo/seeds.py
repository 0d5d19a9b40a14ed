"""One seed decides: seeds of layers, shuffles and splits are derived from it by name, so that no two are alike."""

import hashlib
from collections.abc import Mapping


def derive(seed: int, *names: object) -> int:
    """Returns a seed for what the names stand for, the same on every machine and in every process.

    Args:
        seed: the one seed, an int.
        *names: what the derived seed is for.

    Returns:
        An int from 0 to 2³¹ − 1.

    Source: the first bytes of SHA-256 over seed and names.

    >>> derive(0, "digit_conv1") == derive(0, "digit_conv1") != derive(0, "fashion_conv1")
    True
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def reseed(config, seed: int | None, *names: object):
    """Returns a Keras configuration in which every seed belongs to the names.

    Without `seed`, seeds that the configuration leaves open stay open, and fixed ones are varied by the names, so
    that copies of a layer do not start equal.

    Args:
        config: the nested dict of `layer.get_config()`.
        seed: the one seed, or None.
        *names: what the copy is for.

    Returns:
        A new nested dict.

    >>> reseed({"units": 3, "kernel_initializer": {"config": {"seed": None}}}, 0, "a")["kernel_initializer"]["config"]["seed"] is None
    False
    """
    if isinstance(config, Mapping):
        return {key: _seeded(value, seed, names) if key == "seed" else reseed(value, seed, *names, key) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(reseed(value, seed, *names, index) for index, value in enumerate(config))
    return config


def _seeded(value, seed, names):
    if seed is not None:
        return derive(seed, *names)
    return derive(value, *names) if isinstance(value, int) else value
