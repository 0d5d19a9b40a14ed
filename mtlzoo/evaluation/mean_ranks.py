"""Mean rank: how models stand to each other over the tasks."""

import math
from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.evaluation import _metrics
from mtlzoo.task import Task, check_tasks


def mean_ranks(results: Mapping[str, Mapping[str, float]], tasks: Sequence[Task]) -> dict[str, float]:
    """Ranks the models in each task by its main metric, and returns the mean rank of each model; 1 is best.

    Args:
        results: dict of model name to its values by key of the logs.
        tasks: the tasks; each counts the same.

    Returns:
        Dict of model name to mean rank. Equal values share the mean of their ranks; NaN comes last.

    Raises:
        ValueError: there is no model, or a main metric is missing.

    Source: the mean rank (MR) of Navon et al., "Multi-Task Learning as a Bargaining Game" (ICML 2022).

    >>> mean_ranks({"a": {"t_mae": 1.0}, "b": {"t_mae": 2.0}, "c": {"t_mae": 1.0}}, [Task.regression("t")])
    {'a': 1.5, 'b': 3.0, 'c': 1.5}
    """
    checks.instance("results", results, Mapping, "a dict of model name to results")
    if not results:
        raise ValueError("`results` must hold at least one model; received none.")
    tasks = check_tasks(tasks)
    ranks = {model: [] for model in results}
    for task in tasks:
        costs = {}
        for model in results:
            value = _metrics.value_of(f"results[{model!r}]", results[model], task.monitor_key)
            costs[model] = math.inf if math.isnan(value) else value if task.monitor[1] == "min" else -value
        ordered = sorted(costs.values())
        for model, cost in costs.items():
            ranks[model].append(ordered.index(cost) + (ordered.count(cost) + 1) / 2)
    return {model: math.fsum(found) / len(tasks) for model, found in ranks.items()}
