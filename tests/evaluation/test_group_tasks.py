"""`group_tasks`: planted groups, all choices tried by brute force, and what must change nothing."""

import functools
import itertools
import math

import numpy as np
import pytest

from mtlzoo.evaluation import Grouping, group_affinity, group_tasks

NAMES = ["a", "b", "c", "d", "e", "f"]


def every_group(count):
    return [group for size in range(1, count + 1) for group in itertools.combinations(range(count), size)]


def best_of_all(gains_of, count, budget, task_cost):
    """The greatest sum of gains over all sets of groups that the budget pays, each task served where it gains most."""
    groups = every_group(count)
    gains = np.full((len(groups), count), -math.inf)
    for row, group in enumerate(groups):
        gains[row, list(group)] = gains_of(group)
    costs = np.array([1 + task_cost * (len(group) - 1) for group in groups])
    most = min(count, int(budget))
    choices = (list(rows) for size in range(1, most + 1) for rows in itertools.combinations(range(len(groups)), size))
    return max(gains[rows].max(axis=0).sum() for rows in choices if costs[rows].sum() <= budget + 1e-9)


def planted(sizes, rng, within=0.3, across=-0.2):
    """Affinities that are positive within groups of the given sizes and negative across."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return np.where(group[:, None] == group, within, across) + rng.normal(0, 0.05, (len(group), len(group)))


@pytest.mark.parametrize("task_cost", [0.0, 0.25, 0.6, 1.0])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_no_choice_of_groups_is_better(rng, count, task_cost):
    least = 1 + task_cost * (count - 1)
    for budget in (least, least + 0.7, least + 1.3, least + 2.1):
        affinity, alone = rng.normal(size=(count, count)), rng.normal(0, 0.5, count)
        found = group_tasks(affinity, budget, alone=alone, task_cost=task_cost)
        gains_of = functools.partial(group_affinity, affinity, alone=alone)
        assert found.total == pytest.approx(best_of_all(gains_of, count, budget, task_cost), abs=1e-9)
        check(found, gains_of, budget, task_cost)


@pytest.mark.parametrize(("budget", "task_cost"), [(2, 0.0), (3, 0.0), (3.5, 0.4)])
def test_no_choice_of_groups_is_better_of_five_tasks_or_with_groups_of_any_gains(rng, budget, task_cost):
    gains = {group: rng.normal(size=len(group)) for group in every_group(5)}
    measured = {
        tuple(f"task{task}" for task in group): dict(zip([f"task{task}" for task in group], of, strict=True)) for group, of in gains.items()
    }
    found = group_tasks(np.zeros((5, 5)), budget, measured=measured, task_cost=task_cost)
    assert found.total == pytest.approx(best_of_all(gains.get, 5, budget, task_cost), abs=1e-9)
    check(found, gains.get, budget, task_cost)


@pytest.mark.parametrize(("budget", "task_cost"), [(3.0, 0.3), (3.9, 0.3), (3.5, 0.5)])
def test_no_choice_is_better_where_many_are_almost_equal(rng, budget, task_cost):
    affinity = np.where(np.arange(5)[:, None] == 0, 1.0, -0.1) + rng.normal(0, 1e-6, (5, 5))  # One task helps all others.
    found = group_tasks(affinity, budget, task_cost=task_cost)
    gains_of = functools.partial(group_affinity, affinity)
    assert found.total == pytest.approx(best_of_all(gains_of, 5, budget, task_cost), abs=1e-9)
    check(found, gains_of, budget, task_cost)


def check(found, gains_of, budget, task_cost):
    """A grouping is what it says: all served once, where they are trained, at their gains and within the budget."""
    assert isinstance(found, Grouping)
    assert sorted(name for served in found.served for name in served) == sorted(found.names)
    for group, served in zip(found.groups, found.served, strict=True):
        gains = dict(zip(group, gains_of(tuple(found.names.index(name) for name in group)), strict=True))
        assert {name: found.gains[name] for name in served} == pytest.approx({name: gains[name] for name in served})
    assert found.cost == pytest.approx(sum(1 + task_cost * (len(group) - 1) for group in found.groups)) and found.cost <= budget + 1e-9


@pytest.mark.parametrize("sizes", [(3, 3), (2, 4), (1, 5)])
def test_two_planted_groups_of_six_tasks_are_found_in_any_order(rng, sizes):
    affinity = planted(sizes, rng)
    wanted = {frozenset(NAMES[: sizes[0]]), frozenset(NAMES[sizes[0] :])}
    for order in (np.arange(6), rng.permutation(6), rng.permutation(6)):
        found = group_tasks(affinity[np.ix_(order, order)], 2, names=[NAMES[task] for task in order])
        assert {frozenset(served) for served in found.served} == wanted
        assert all(set(served) <= set(group) <= set(served) for served, group in zip(found.served, found.groups, strict=True))


def test_three_groups_of_twelve_tasks_are_found(rng):
    found = group_tasks(planted((4, 5, 3), rng), 3)
    assert [len(served) for served in found.served] == [4, 5, 3] and found.groups == found.served


def test_the_order_of_the_tasks_changes_nothing(rng):
    affinity, alone, order = rng.normal(size=(7, 7)), rng.normal(size=7), rng.permutation(7)
    for budget, task_cost in ((3, 0.0), (5, 0.5)):
        names = [f"t{task}" for task in range(7)]
        one = group_tasks(affinity, budget, names=names, alone=alone, task_cost=task_cost)
        other = group_tasks(
            affinity[np.ix_(order, order)], budget, names=[names[task] for task in order], alone=alone[order], task_cost=task_cost
        )
        assert other.gains == pytest.approx(one.gains)
        assert {frozenset(group) for group in other.groups} == {frozenset(group) for group in one.groups}


def test_one_model_has_all_tasks_and_enough_models_are_no_worse_than_each_alone(rng):
    affinity, alone = rng.normal(size=(6, 6)), rng.normal(size=6)
    one = group_tasks(affinity, 1, names=NAMES, alone=alone)
    assert one.groups == one.served == (tuple(NAMES),) and one.cost == 1
    totals = [group_tasks(affinity, budget, alone=alone).total for budget in range(1, 8)]
    assert totals == sorted(totals) and totals[5] == totals[6] >= alone.sum()
    assert group_tasks(-np.abs(affinity), 6, names=NAMES).groups == tuple((name,) for name in NAMES)


@pytest.mark.parametrize("task_cost", [0.0, 0.3])
def test_of_equal_choices_the_cheapest_is_taken(task_cost):
    assert len(group_tasks(np.zeros((5, 5)), 6, task_cost=task_cost).groups) == 1
    assert len(group_tasks(np.ones((5, 5)), 6, task_cost=task_cost).groups) == 1


def test_a_task_may_help_in_a_model_that_does_not_serve_it():
    affinity = np.zeros((3, 3))
    affinity[0, 1], affinity[1, 0] = 1.0, -1.0
    found = group_tasks(affinity, 2, names=NAMES[:3])
    assert found.gains == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert dict(zip(found.served, found.groups, strict=True))[("b",)] == ("a", "b")
    # Where tasks cost something, so does a helper: (a, c) and (a, b) cost 3.
    assert [group_tasks(affinity, budget, task_cost=0.5).total for budget in (2.5, 3)] == [0.0, 1.0]


def test_measured_groups_count_instead_of_the_mean_of_pairs():
    affinity = np.array([[0.0, 0.5], [0.5, 0.0]])
    assert group_tasks(affinity, 2, names=["a", "b"]).groups == (("a", "b"),)
    measured = {("b", "a"): {"a": -0.1, "b": 0.0}, frozenset(["a"]): {"a": 0.2}}
    found = group_tasks(affinity, 2, names=["a", "b"], measured=measured)
    assert found.served == (("a",), ("b",)) and found.total == pytest.approx(0.2)


def test_text_and_markdown_say_who_serves_and_who_helps():
    affinity = np.zeros((3, 3))
    affinity[0, 1], affinity[1, 0] = 1.0, -1.0
    found = group_tasks(affinity, 2, names=NAMES[:3])
    for form in (found.to_text(), found.to_markdown()):
        for words in ("Serves", "Helped by", "a, c", "b", "+1", "Total gain +1", "cost 2 of a budget of 2"):
            assert words in form


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"affinity": np.zeros((15, 15))}, ValueError, "at most 14 tasks, as"),
        ({"affinity": np.zeros((13, 13)), "task_cost": 0.1}, ValueError, "at most 12 tasks with a task_cost of 0.1"),
        ({"affinity": np.zeros((2, 3))}, ValueError, r"\[T, T\]"),
        ({"budget": 0.5}, ValueError, "at least 1, the cost of one model"),
        ({"budget": 1.2, "task_cost": 0.25}, ValueError, "at least 1.25"),
        ({"budget": "two"}, TypeError, "`budget` must be a number"),
        ({"task_cost": 1.5}, ValueError, "at most 1"),
        ({"names": ["a", "a"]}, ValueError, "2 unlike names"),
        ({"names": ["a", 1]}, TypeError, "names of tasks"),
        ({"measured": {("a", "x"): {}}}, ValueError, "`measured key` must be one of 'a', 'b'"),
        ({"measured": {"ab": {}}}, TypeError, "a tuple or frozenset"),
        ({"measured": {("a", "b"): {"a": 1.0}}}, ValueError, "missing"),
        ({"measured": {("a", "b"): {"a": 1.0, "b": math.nan}}}, ValueError, "finite"),
        ({"measured": {("a",): {"a": 1.0}, frozenset("a"): {"a": 2.0}}}, ValueError, "each group once"),
        ({"measured": {(): {}}}, ValueError, "each group once"),
    ],
)
def test_bad_arguments_are_named(change, error, words):
    with pytest.raises(error, match=words):
        group_tasks(**{"affinity": np.zeros((2, 2)), "budget": 2, "names": ["a", "b"], **change})
