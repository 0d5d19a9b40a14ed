"""`compare`: several models' results on the same data, side by side."""

from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.evaluation import _metrics, history
from mtlzoo.evaluation._report import Report
from mtlzoo.task import Task, check_tasks


def compare(
    results: Mapping[str, Mapping[str, float]],
    tasks: Sequence[Task],
    *,
    baseline: str | None = None,
    alphas: Mapping[str, float] | None = None,
    metrics: str = "monitor",
    parameters: Mapping[str, int] | None = None,
    seconds: Mapping[str, float] | None = None,
    histories: Mapping[str, object] | None = None,
) -> Report:
    """Puts the results of models on the same data side by side.

    Args:
        results: dict of model name to what `model.evaluate(data, return_dict=True)` returned.
        tasks: the tasks; every model has results for all of them.
        baseline: name of the model that the others are compared with, usually single-task models; or None.
        alphas: dict of task name to its alpha in the total loss; None for the tasks' own.
        metrics: what Δm is taken over: "monitor" for the main metrics, "all" for all metrics.
        parameters: dict of model name to number of parameters.
        seconds: dict of model name to seconds of training.
        histories: dict of model name to what its `fit` returned, for epochs and the best epoch of each task.

    Returns:
        A `Report`.

    Raises:
        ValueError: there is no model, a main metric is missing, or a name is not a model's or a task's.
        TypeError: an argument is no dict.

    Source: the tables of the field, such as Navon et al. (ICML 2022).

    >>> results = {"mtl": {"a_mae": 1.0, "a_loss": 2.0}, "single": {"a_mae": 2.0, "a_loss": 8.0}}
    >>> compare(results, [Task.regression("a", alpha=0.5)], baseline="single").total_losses
    {'mtl': 1.0, 'single': 4.0}
    """
    tasks = check_tasks(tasks)
    checks.one_of("metrics", metrics, ["monitor", "all"])
    checks.instance("results", results, Mapping, "a dict of model name to results")
    if not results:
        raise ValueError("`results` must hold at least one model; received none.")
    if baseline is not None:
        checks.one_of("baseline", baseline, results)
    for model, found in results.items():
        checks.instance(f"results[{model!r}]", found, Mapping, "a dict (evaluate with return_dict=True)")
        for task in tasks:
            _metrics.value_of(f"results[{model!r}]", found, task.monitor_key)
    own = {task.name: task.alpha for task in tasks}
    histories = _by_model("histories", histories, results)
    return Report(
        tasks=tasks,
        results={model: {key: float(value) for key, value in found.items()} for model, found in results.items()},
        baseline=baseline,
        alphas=own | {checks.one_of("alphas key", name, own): checks.number("alphas", alphas[name], low=0) for name in alphas or {}},
        metrics=metrics,
        parameters={model: checks.integer("parameters", count) for model, count in _by_model("parameters", parameters, results).items()},
        seconds={model: checks.number("seconds", time, low=0) for model, time in _by_model("seconds", seconds, results).items()},
        epochs={model: max(len(values) for values in history.columns(found).values()) for model, found in histories.items()},
        best_epochs={model: history.best_epochs(found, tasks) for model, found in histories.items()},
    )


def _by_model(argument, values, results):
    if values is None:
        return {}
    checks.instance(argument, values, Mapping, "a dict by model name")
    return {checks.one_of(f"{argument} key", model, results): value for model, value in values.items()}
