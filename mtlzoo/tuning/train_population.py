"""`train_population`: alphas that change while a population of models is trained, the better ones taking the place of the worse."""

import dataclasses

import numpy as np

from mtlzoo import checks, seeds
from mtlzoo.tuning import _population, _states
from mtlzoo.tuning.alpha_space import as_space
from mtlzoo.tuning.objective import Objective
from mtlzoo.tuning.objective import objective as as_objective
from mtlzoo.tuning.population_result import PopulationResult


def train_population(
    model,
    train,
    validation,
    *,
    objective,
    population: int = 4,
    epochs: int = 20,
    interval: int = 2,
    alphas="log",
    perturb: float = 1.25,
    resample: float = 0.25,
    seed: int = 0,
    folder=None,
) -> PopulationResult:
    """Population-based training of the alphas: members differ in their alphas, and the worse ones go on as copies of the better ones.

    All members start with the weights of `model` and see the same batches: the first with the model's alphas, the others with alphas
    drawn from the space. They are trained in turns of `interval` epochs. Before the next turn the worst quarter (at least one) take over
    weights, optimizer, balancer and alphas of a member of the best quarter, and move these alphas: each but the pivot's up or down by
    `perturb`, or, with the chance `resample`, all drawn anew.

    It costs `population` × `epochs` epochs in all, and finds a schedule of alphas, not only a point. Alphas are live, so that the members
    are states of one model that is traced once. `model` itself is trained and holds the best member's weights at the end, the best
    at the end of a turn; if an error stops the training it holds those that it had.

    Args:
        model: a compiled `MultiTaskModel`; with a balancer, alphas multiply its weights.
        train: batches (x, {task: y}, {task: weight}), as for `fit`; a mixture of `mtlzoo.data` gives each member the same order.
        validation: such batches, on which the objective chooses.
        objective: an `Objective`, or what `mtlzoo.tuning.objective` takes: a task's name, a metric, or several with weights.
        population: number of members, at least 2.
        epochs: epochs that each member is trained.
        interval: epochs of a turn.
        alphas: an `AlphaSpace`, or "log" or "simplex". Factors are those of the alphas that the model has.
        perturb: factor by which alphas move, above 1. A space with `steps` moves to the next one.
        resample: chance, from 0 to 1, that a copy draws its alphas anew.
        seed: decides all that is drawn.
        folder: None, or where the state of all members is kept after each turn; a call with the same arguments that was killed goes
            on there and ends as if it had not been.

    Returns:
        A `PopulationResult` with model, score, schedule and history.

    Raises:
        ValueError: an argument is out of bounds, Δm has no baseline, the space is "fixed", or the folder holds something else.
        TypeError: an argument is of another type.

    Source: Jaderberg et al., "Population Based Training of Neural Networks", 2017, with truncation selection.

    >>> import mtlzoo
    >>> splits = mtlzoo.data.load("digits", limit=64)
    >>> model = mtlzoo.architectures.hard_sharing(splits.inputs, splits.tasks, trunk="mlp", seed=0)
    >>> found = train_population(model, splits.train, splits.validation, objective="left", population=2, epochs=2, interval=1)
    >>> len(found.history), [len(alphas) for alphas in found.schedule.values()] == [found.epoch] * 3
    (4, True)
    """
    _states.check_compiled(model)
    _states.check_data("train", train)
    _states.check_data("validation", validation)
    tasks = [task.replace(alpha=model.alphas[task.name]) for task in model.tasks]
    goal, space = _goal(objective, tasks), as_space(alphas)
    pivot = space.check(tasks)
    if pivot is None:
        raise ValueError("`alphas` must be 'log', 'simplex' or such an AlphaSpace; received 'fixed', which leaves nothing to train.")
    settings = {
        "objective": goal.name,
        "baseline": goal.baseline and dict(goal.baseline),
        "population": checks.integer("population", population, low=2),
        "epochs": checks.integer("epochs", epochs, low=1),
        "interval": checks.integer("interval", interval, low=1),
        "alphas": dataclasses.asdict(space),
        "perturb": checks.number("perturb", perturb, low=1, strict=True),
        "resample": checks.number("resample", resample, low=0, high=1),
        "seed": checks.integer("seed", seed, low=0),
    }
    folder = _states.claim(folder, {**_states.recipe(model), **settings}, "a population")
    start = _states.capture(model)
    try:
        best, rows = _turns(model, train, validation, goal, space, pivot, tasks, settings, start, folder)
    except BaseException:
        _states.restore(model, start)
        raise
    _states.restore(model, best.state)
    schedule = {task.name: [epoch[task.name] for epoch in best.lineage] for task in tasks}
    return PopulationResult(
        model=model, score=best.score, objective=goal.name, epoch=len(best.lineage), schedule=schedule, rows=tuple(rows)
    )


def _goal(objective, tasks):
    goal = objective if isinstance(objective, Objective) else as_objective(objective, tasks)
    if goal.needs_baseline and goal.baseline is None:
        raise ValueError(
            "`objective` 'delta_m' needs results of single-task models; received none. "
            "Give mtlzoo.tuning.objective('delta_m', tasks, baseline)."
        )
    checks.exact_keys("objective", [task.name for task in goal.tasks], [task.name for task in tasks])
    return goal


def _turns(model, train, validation, goal, space, pivot, tasks, settings, start, folder):
    """Trains all members in turns; returns the best one of all ends of turns, and the rows of the history."""
    epochs, interval, seed = settings["epochs"], settings["interval"], settings["seed"]
    names, rng = [task.name for task in tasks], np.random.default_rng(seeds.derive(settings["seed"], "population"))
    done = folder and _population.load(folder)
    if done:
        first_turn, members, best, rows = done
    else:
        drawn = [_population.drawn(space, pivot, names, rng) for _ in range(settings["population"] - 1)]
        members = [_population.Member(factors, start) for factors in [dict.fromkeys(names, 1.0), *drawn]]
        first_turn, best, rows = 0, members[0], []
    for turn in range(first_turn, -(-epochs // interval)):
        first, last = turn * interval, min((turn + 1) * interval, epochs)
        if turn:
            rng = np.random.default_rng(seeds.derive(seed, "population", turn))
            _population.evolve(members, space, pivot, settings["perturb"], settings["resample"], rng)
        for index, member in enumerate(members):
            rows += _one_turn(model, member, index, train, validation, goal, space.alphas(member.factors, tasks), first, last)
            if member.rank > best.rank or not best.lineage:
                best = member.copied()
        if folder:
            _population.save(folder, turn, members, best, rows)
    return best, rows


def _one_turn(model, member, index, train, validation, goal, alphas, first, last):
    """Trains a member for a turn; returns its rows of the history."""
    _states.restore(model, member.state)
    model.alphas = alphas
    logs = _states.fit(model, train, validation, first=first, last=last)
    member.state = _states.capture(model)
    member.lineage = [*member.lineage, *[alphas] * (last - first)]
    said, rows = {f"{name}_alpha": alpha for name, alpha in alphas.items()}, []
    for epoch, found in enumerate(logs, start=first):
        parent = member.parent if epoch == first else None
        rows.append({"member": index, "epoch": epoch, "parent": parent, **said, **found, "score": goal.score(found)})
    member.score = rows[-1]["score"]
    return rows
