"""`group_tasks`: which tasks to train together under a budget of models."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtlzoo import checks
from mtlzoo.evaluation import _affinities
from mtlzoo.evaluation._branch_and_bound import Search
from mtlzoo.evaluation._grouping import Grouping

_MOST, _MOST_WITH_COST = 14, 12  # More would take minutes.


def group_tasks(
    affinity,
    budget: float,
    *,
    names: Sequence[str] | None = None,
    alone: float | Sequence[float] = 0.0,
    measured: Mapping | None = None,
    task_cost: float = 0.0,
) -> Grouping:
    """Chooses groups of tasks, one a model, so that the sum of what all tasks gain is as great as the budget allows.

    A task may be trained in several models and is served by one of them, so that it can help others elsewhere. What it gains
    in a group is the mean of its affinities from the others (`group_affinity`), unless the group was measured. The choice is the
    best of all, by branch and bound; of equal ones it is the cheapest. The time grows as 3^T: 10 tasks take a tenth
    of a second, 12 about a second, 14 some seconds. With a `task_cost` 12 tasks take one to some seconds, a quarter of a minute
    where very many choices are almost equal.

    Args:
        affinity: [T, T], T at most 14, or 12 with a `task_cost`; entry [i, j] is how much task i helps task j, + is better, such as
            TAG's lookahead. The diagonal is not read (TAG's is no gain of training alone): what a task gains alone is said by `alone`.
        budget: what all models may cost; with a `task_cost` of 0 the number of models.
        names: names of the tasks in the order of the matrix; None for task0, task1, ...
        alone: what a task gains that is trained alone: a number, or one a task, [T].
        measured: dict of a group (tuple or frozenset of names) to a dict of each of its tasks' gain, in the unit of `affinity`.
        task_cost: what each task more adds to the cost of a model, 0 to 1; a model of n tasks costs 1 + task_cost · (n − 1).

    Returns:
        A `Grouping`; its models are in the order of the first tasks that they serve.

    Raises:
        ValueError: the matrix is not square, not finite or too large; the budget is too small for any choice; or a name is unknown.
        TypeError: an argument is of another type.

    Source: Standley et al., "Which Tasks Should Be Learned Together in Multi-task Learning?" (ICML 2020), with a budget in units of
        a standard network; Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning" (NeurIPS 2021).

    >>> affinity = [[0, 0.5, 0.1], [-0.2, 0, 0.1], [-0.2, 0.1, 0]]
    >>> found = group_tasks(affinity, 2, names=["a", "b", "c"])
    >>> found.groups, found.served, round(found.total, 6)  # a helps b, yet is served by a model of its own.
    ((('a',), ('a', 'b', 'c')), (('a',), ('b', 'c')), 0.4)
    """
    affinity = _affinities.matrix(affinity)
    count = len(affinity)
    task_cost = checks.number("task_cost", task_cost, low=0, high=1)
    most = _MOST_WITH_COST if task_cost else _MOST
    if count > most:
        given = f" with a task_cost of {task_cost:g}" if task_cost else ""
        raise ValueError(f"`affinity` must be of at most {most} tasks{given}, as the search is exact; received {count}.")
    names = _affinities.names(names, count)
    budget = checks.number("budget", budget, low=0)
    least = 1 + task_cost * (count - 1)
    if budget < least - 1e-9:
        raise ValueError(f"`budget` must be at least {least:g}, the cost of one model of all tasks; received {budget:g}.")
    gains = _all_gains(affinity, _affinities.alone(alone, count))
    for group, found in _measured(measured, names).items():
        gains[sum(1 << task for task in group), list(group)] = found
    models = Search(gains, budget, task_cost).run()
    won = {task: gains[group, task] for group, served in models for task in _members(served)}
    return Grouping(
        names=names,
        groups=tuple(tuple(names[task] for task in _members(group)) for group, _ in models),
        served=tuple(tuple(names[task] for task in _members(served)) for _, served in models),
        gains={name: float(won[task]) for task, name in enumerate(names)},
        cost=sum(1 + task_cost * (group.bit_count() - 1) for group, _ in models),
        budget=budget,
    )


def _all_gains(affinity, alone):
    """What each task gains in each group, [2^T, T]; groups are bit masks."""
    members = (np.arange(2 ** len(affinity))[:, None] >> np.arange(len(affinity))) & 1
    pairs = np.where(np.eye(len(affinity), dtype=bool), 0.0, affinity)
    others = members.sum(axis=1, keepdims=True) - 1
    return members * np.where(others > 0, members @ pairs / np.maximum(others, 1), alone)


def _measured(measured, names):
    """Measured gains by tuple of indices, checked."""
    if measured is None:
        return {}
    found = {}
    for group, gains in checks.instance("measured", measured, Mapping, "a dict of group to gains").items():
        checks.instance("measured key", group, (tuple, frozenset), "a tuple or frozenset of names")
        places = tuple(sorted(names.index(checks.one_of("measured key", name, names)) for name in group))
        if not places or len(set(places)) < len(places) or places in found:
            raise ValueError(f"`measured` must have each group once, with each task once; received {tuple(group)!r} too many.")
        checks.instance(f"measured[{group!r}]", gains, Mapping, "a dict of task name to gain")
        checks.exact_keys(f"measured[{group!r}]", gains, [names[place] for place in places])
        found[places] = [checks.number("measured", gains[names[place]]) for place in places]
    return found


def _members(mask):
    return [task for task in range(mask.bit_length()) if mask >> task & 1]
