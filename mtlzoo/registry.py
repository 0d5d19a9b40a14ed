"""Registries of the items that a user may name: architectures, trunks, balancers, sources."""

from collections.abc import Callable

from mtlzoo import checks


class Registry:
    """A family of named items, filled where the items are defined.

    Args:
        kind: what the items are, in the singular; used in messages and as the argument's name.

    Raises:
        ValueError: a name is registered twice, or asked for and not there.

    Source: the registration by function name of timm.

    >>> shapes = Registry("shape")
    >>> @shapes.register
    ... def circle():
    ...     "A round shape."
    >>> shapes.names(), shapes.get("circle") is circle, shapes.describe()
    (('circle',), True, {'circle': 'A round shape.'})
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._items: dict[str, Callable] = {}

    def register(self, item: Callable | None = None, *, name: str | None = None) -> Callable:
        """Registers a function or class under its own name, or under `name`; use as a decorator."""
        if item is None:
            return lambda decorated: self.register(decorated, name=name)
        key = name or item.__name__
        if key in self._items and self._items[key] is not item:
            raise ValueError(f"`{self.kind}` {key!r} is registered already, by {self._items[key].__module__}.")
        self._items[key] = item
        return item

    def get(self, name: str) -> Callable:
        """Returns the item of that name; raises `ValueError` with the nearest name if there is none."""
        if not isinstance(name, str) or name not in self._items:
            raise checks.unknown_name(self.kind, name, self._items)
        return self._items[name]

    def names(self) -> tuple[str, ...]:
        """Returns all registered names, sorted."""
        return tuple(sorted(self._items))

    def describe(self) -> dict[str, str]:
        """Returns the first line of each item's docstring, by name."""
        return {name: (self._items[name].__doc__ or "").strip().split("\n")[0] for name in self.names()}
