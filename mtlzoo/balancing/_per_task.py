"""Arguments with one number a task, in the order of the tasks."""

from mtlzoo import checks


def numbers(argument, values, low=None, strict=False):
    """Returns a list of numbers, or None; a dict is refused, because a balancer knows no names.

    Args:
        argument: the argument's name.
        values: a list or tuple of numbers, or None.
        low: least value, or None for no bound.
        strict: whether `low` itself is refused.

    Raises:
        TypeError: `values` is no list of numbers.
        ValueError: a number is not finite or out of bounds, or there is none.
    """
    if values is None:
        return None
    checks.instance(argument, values, (list, tuple), "a list of numbers, one a task in the order of `model.tasks`, or None")
    if not values:
        raise ValueError(f"`{argument}` must have a number for every task; received {values!r}.")
    bounds = {} if low is None else {"low": low, "strict": strict}
    return [checks.number(f"{argument}[{index}]", value, **bounds) for index, value in enumerate(values)]


def check(argument, values, tasks):
    """Raises `ValueError` if there are values, but not one for each task."""
    if values is not None and len(values) != tasks:
        raise ValueError(f"`{argument}` must have one number for each of {tasks} tasks; received {values}.")
