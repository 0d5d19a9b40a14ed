"""Chains of binary tasks: how they are declared, and outputs that are joint probabilities along them."""

import graphlib
from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.layers import Joint


def read_ancestors(tasks, chain, parents):
    """Returns which tasks must have happened before each declared task, a dict of name to names, those without parents first.

    Args:
        tasks: the tasks.
        chain: None, or names of binary tasks, each the parent of the next.
        parents: None, or a dict of name to the names of the tasks that it follows from.

    Returns:
        The ancestors of each task that is declared, both in an order in which parents come first. {} where nothing is declared and
        there are fewer than two binary tasks.

    Raises:
        ValueError, TypeError: both are given, a name is unknown, a task is not binary, or there is a cycle.
    """
    if chain is not None and parents is not None:
        raise ValueError("`chain` and `parents` say the same in two ways; give one of them.")
    if parents is None:
        argument = "chain"
        names = _binary(tasks) if chain is None else _names(argument, chain, tasks)
        if chain is None and len(names) < 2:
            return {}
        parents = dict(zip(names, [[], *([name] for name in names)], strict=False))
    else:
        argument = "parents"
        checks.instance(argument, parents, Mapping, "a dict of task name to the names of its parents")
        _names(f"{argument} key", list(parents), tasks)
        parents = {name: _names(f"{argument}[{name!r}]", those, tasks) for name, those in parents.items()}
    for name in dict.fromkeys([*parents, *(one for those in parents.values() for one in those)]):
        check_binary(argument, name, tasks)
    try:
        order = list(graphlib.TopologicalSorter(parents).static_order())
    except graphlib.CycleError as error:
        raise ValueError(f"`{argument}` must have no cycle; received {' ← '.join(reversed(error.args[1]))}.") from None
    found = {}
    for name in order:
        before = {other for parent in parents.get(name, ()) for other in (parent, *found[parent])}
        found[name] = tuple(other for other in order if other in before)
    return found


def read_pair(tasks, click, conversion):
    """Returns the names of the click and the conversion task: those given, or the first binary tasks.

    Raises:
        ValueError, TypeError: there are fewer than two binary tasks, or a name is unknown, that of both, or not of a binary task.
    """
    found = {"click": click, "conversion": conversion}
    for argument, name in found.items():
        if name is not None:
            check_binary(argument, checks.one_of(argument, name, [task.name for task in tasks]), tasks)
    if click is not None and click == conversion:
        raise ValueError(f"`click` and `conversion` must be two tasks; received {click!r} for both.")
    free = [name for name in _binary(tasks) if name not in found.values()]
    if len(free) < sum(name is None for name in found.values()):
        raise ValueError(f"`tasks` must hold two binary tasks, a click and a conversion; received {[(t.name, t.kind) for t in tasks]}.")
    click, conversion = (name or free.pop(0) for name in found.values())
    for argument, name in (("click", click), ("conversion", conversion)):
        check_binary(argument, name, tasks)
    return click, conversion


def check_binary(argument, name, tasks):
    """Raises `ValueError` for a task whose probability cannot stand in a product."""
    task = next(task for task in tasks if task.name == name)
    if task.kind != "binary" or task.activation not in ("sigmoid", "linear"):
        what = f"a {task.kind} task" if task.kind != "binary" else f"one that ends in {task.activation!r}"
        raise ValueError(f"`{argument}` must name binary tasks that end in a sigmoid or in logits; {name!r} is {what}.")


def joint_outputs(tasks, features, ancestors, regularised=lambda name, logits: logits[-1]):
    """Returns the function that `assemble` takes as `outputs`, or None where no task has ancestors.

    Args:
        tasks: the tasks.
        features: dict of task name to features. The factors of a task's product are heads that all read the features of that task.
        ancestors: as `read_ancestors` returns them.
        regularised: a function of a task's name and the list of logits of its ancestors and its own, that returns its own.
    """
    kinds = {task.name: task for task in tasks}
    chained = [name for name in ancestors if any(name in (other, *those) for other, those in ancestors.items() if those)]

    def outputs(heads):
        made = {}
        for name in chained:
            factors = [heads.logits(factor, features[name]) for factor in (*ancestors[name], name)]
            factors[-1] = regularised(name, factors)
            made[name] = Joint(kinds[name].activation, name=name, dtype="float32")(factors)
        return made

    return outputs if chained else None


def _binary(tasks):
    return [task.name for task in tasks if task.kind == "binary"]


def _names(argument, given, tasks):
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"`{argument}` must be a sequence of task names; received {given!r} of type {type(given).__name__}.")
    found = [checks.one_of(argument, name, [task.name for task in tasks]) for name in given]
    doubles = sorted({name for name in found if found.count(name) > 1})
    if doubles:
        raise ValueError(f"`{argument}` must name each task once; received {doubles[0]!r} {found.count(doubles[0])} times.")
    return found
