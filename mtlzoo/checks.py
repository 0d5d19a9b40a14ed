"""One wording for the errors of the whole package: the argument, what is wanted, what came, the nearest valid name."""

import difflib
import math
import numbers
from collections.abc import Iterable


def unknown_name(argument: str, value: object, known: Iterable[str]) -> ValueError:
    """Makes the error for a name that is not among the known ones.

    Args:
        argument: the argument's name as the caller spells it.
        value: what was received.
        known: the valid names.

    Returns:
        A `ValueError` to raise; it names the nearest valid name where one is near.

    Source: the house's rule on errors (CONTRIBUTING.md).

    >>> print(unknown_name("balancer", "pcgrd", ["pcgrad", "mgda"]))
    `balancer` must be one of 'mgda', 'pcgrad'; received 'pcgrd'. Did you mean 'pcgrad'?
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(name) for name in names) or "(none)"
    return ValueError(f"`{argument}` must be one of {listed}; received {value!r}.{hint}")


def one_of(argument: str, value: object, known: Iterable[str]) -> str:
    """Returns `value` if it is one of the known names.

    Args:
        argument: the argument's name.
        value: what was received.
        known: the valid names.

    Returns:
        `value` itself.

    Raises:
        ValueError: `value` is not known; the nearest name is given.

    >>> one_of("mode", "max", ["max", "min"])
    'max'
    """
    known = list(known)
    if value not in known:
        raise unknown_name(argument, value, known)
    return value


def instance(argument: str, value: object, types: type | tuple[type, ...], wanted: str) -> object:
    """Returns `value` if it is an instance of the wanted types.

    Args:
        argument: the argument's name.
        value: what was received.
        types: as for `isinstance`.
        wanted: the types in words, for the message.

    Returns:
        `value` itself.

    Raises:
        TypeError: `value` is of another type.

    >>> instance("name", "digit", str, "a string")
    'digit'
    """
    if not isinstance(value, types):
        raise TypeError(f"`{argument}` must be {wanted}; received {_short(value)} of type {type(value).__name__}.")
    return value


def _short(value):
    """What a value looks like, in one line of at most 120 characters: of arrays and the like the beginning is enough."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def number(argument: str, value: object, *, low: float = -math.inf, high: float = math.inf, strict: bool = False) -> float:
    """Returns `value` as a float if it is finite and within the bounds.

    Args:
        argument: the argument's name.
        value: a real number.
        low: least value.
        high: greatest value.
        strict: whether `low` itself is refused.

    Returns:
        The value as a Python float.

    Raises:
        TypeError: `value` is no real number.
        ValueError: `value` is NaN, infinite or out of bounds.

    >>> number("alpha", 1, low=0)
    1.0
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{argument}` must be a number; received {value!r} of type {type(value).__name__}.")
    result = float(value)
    above = result > low if strict else result >= low
    if not (math.isfinite(result) and above and result <= high):
        bounds = []
        if low > -math.inf:
            bounds.append(f"{'above' if strict else 'at least'} {low:g}")
        if high < math.inf:
            bounds.append(f"at most {high:g}")
        wanted = "a finite number" + (" " + " and ".join(bounds) if bounds else "")
        raise ValueError(f"`{argument}` must be {wanted}; received {value!r}.")
    return result


def integer(argument: str, value: object, *, low: int | None = None, high: int | None = None) -> int:
    """Returns `value` as an int if it is a whole number within the bounds.

    Args:
        argument: the argument's name.
        value: a whole number (NumPy integers too).
        low: least value, or None for no bound.
        high: greatest value, or None for no bound.

    Returns:
        The value as a Python int.

    Raises:
        TypeError: `value` is no whole number.
        ValueError: `value` is out of bounds.

    >>> integer("batch_size", 32, low=1)
    32
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{argument}` must be a whole number; received {value!r} of type {type(value).__name__}.")
    result = int(value)
    if (low is not None and result < low) or (high is not None and result > high):
        bounds = [f"at least {low}"] if low is not None else []
        bounds += [f"at most {high}"] if high is not None else []
        raise ValueError(f"`{argument}` must be a whole number {' and '.join(bounds)}; received {value!r}.")
    return result


def widths(argument: str, values: object) -> tuple[int, ...]:
    """Returns a sequence of layer widths as a tuple of ints.

    Args:
        argument: the argument's name.
        values: a sequence of whole numbers of at least 1.

    Returns:
        A tuple of Python ints.

    Raises:
        TypeError: `values` is no sequence, or holds something else than whole numbers.
        ValueError: a width is below 1.

    >>> widths("tower", [32, 16])
    (32, 16)
    """
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"`{argument}` must be a sequence of widths such as (64,); received {values!r} of type {type(values).__name__}.")
    return tuple(integer(argument, value, low=1) for value in values)


def exact_keys(argument: str, received: Iterable[str], wanted: Iterable[str]) -> None:
    """Checks that a dict argument has exactly the wanted keys.

    Args:
        argument: the argument's name.
        received: the keys that came.
        wanted: the keys that must be there.

    Raises:
        ValueError: a key is missing or one too many; the nearest wanted key is given for each stray one.

    >>> exact_keys("fractions", ["train", "test"], ["train", "test"])
    """
    received, wanted = list(received), list(wanted)
    for key in received:
        if key not in wanted:
            raise unknown_name(f"{argument} key", key, wanted)
    missing = [key for key in wanted if key not in received]
    if missing:
        raise ValueError(f"`{argument}` must have the keys {wanted}; missing {missing}, received {received}.")
