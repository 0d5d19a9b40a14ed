"""How often `mixed` draws from each data set: probabilities from their sizes and the epoch."""

from collections.abc import Callable

import numpy as np

from mtlzoo import checks


def by_temperature(temperature: float) -> Callable:
    """Sampling with p_t ∝ N_t^(1/τ): by size at τ = 1, nearly uniform at large τ.

    Args:
        temperature: τ, at least 1.

    Returns:
        A function (sizes [T], epoch) -> probabilities [T], for `mixed(sampling=...)`.

    Raises:
        ValueError, TypeError: τ is no number of at least 1.

    Source: Raffel et al. 2020 (T5), section 3.5.2.

    >>> by_temperature(2.0)([100, 400], 0).round(3).tolist()
    [0.333, 0.667]
    """
    power = 1 / checks.number("temperature", temperature, low=1)
    return lambda sizes, epoch: _proportional(sizes, power)


def annealed(epochs: int) -> Callable:
    """Sampling that goes from by size in the first epoch to nearly uniform in the last: p_t ∝ N_t^a, a = 1 − 0.8 (e − 1)/(E − 1).

    Args:
        epochs: E, the number of epochs of the training, at least 1; after it a stays as in the last epoch.

    Returns:
        A function (sizes [T], epoch from 0) -> probabilities [T], for `mixed(sampling=...)`.

    Raises:
        ValueError, TypeError: `epochs` is no whole number of at least 1.

    Source: Stickland and Murray 2019 (PALs), section 4.1; e = epoch + 1.

    >>> sampling = annealed(5)
    >>> sampling([100, 400], 0).round(3).tolist(), sampling([100, 400], 4).round(3).tolist()
    ([0.2, 0.8], [0.431, 0.569])
    """
    last = checks.integer("epochs", epochs, low=1) - 1
    return lambda sizes, epoch: _proportional(sizes, 1 - 0.8 * min(epoch, last) / max(last, 1))


def as_sampling(sampling):
    """Returns None for "size" (every row once), else a function (sizes, epoch) -> probabilities.

    >>> as_sampling("uniform")([3, 5], 0).tolist()
    [0.5, 0.5]
    """
    if sampling == "size":
        return None
    if sampling == "uniform":
        return lambda sizes, epoch: _proportional(sizes, 0)
    if callable(sampling):
        return lambda sizes, epoch: _checked(sampling(sizes, epoch), len(sizes))
    if sampling in ("temperature", "annealed"):
        call = "by_temperature(2.0)" if sampling == "temperature" else "annealed(epochs=10)"
        raise ValueError(f"`sampling` {sampling!r} needs its number: pass sampling=mtlzoo.data.{call}.")
    if isinstance(sampling, str):
        raise checks.unknown_name("sampling", sampling, ["size", "uniform"])
    raise TypeError(f'`sampling` must be "size", "uniform" or a function (sizes, epoch) -> probabilities; received {sampling!r}.')


def _proportional(sizes, power):
    weights = np.asarray(sizes, "float64") ** power
    return weights / weights.sum()


def _checked(weights, length):
    weights = np.asarray(weights, "float64")
    if weights.shape != (length,) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() == 0:
        raise ValueError(f"`sampling` must return {length} finite weights of at least 0, not all 0; received {weights.tolist()}.")
    return weights / weights.sum()
