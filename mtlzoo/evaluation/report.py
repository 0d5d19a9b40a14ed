"""`report`: a multi-task model judged on a data set, next to single-task baselines."""

from collections.abc import Mapping

from mtlzoo import checks
from mtlzoo.evaluation import _datasets, _metrics
from mtlzoo.evaluation._report import Report
from mtlzoo.evaluation.compare import compare
from mtlzoo.model import MultiTaskModel


def report(
    model: MultiTaskModel,
    dataset,
    baseline: MultiTaskModel | Mapping[str, MultiTaskModel] | None = None,
    *,
    history=None,
    baseline_history=None,
    seconds: float | None = None,
    baseline_seconds: float | None = None,
    metrics: str = "monitor",
    verbose: int = 0,
) -> Report:
    """Evaluates a model, and a baseline if there is one, on the same data, and sets them side by side.

    Args:
        model: a compiled multi-task model.
        dataset: finite `tf.data.Dataset` of batches `(x, {task: y})` or `(x, {task: y}, {task: weight})`, or a tuple of
            arrays of the same form.
        baseline: a model with the same tasks, such as `single_task` makes; or a dict of task name to a model of its own.
        history: what `fit` of the model returned, for the epochs; or None.
        baseline_history: the same of a baseline that is one model; or None.
        seconds: time in which the model was trained; or None.
        baseline_seconds: time in which the baseline was trained, all its models together; or None.
        metrics: what Δm is taken over: "monitor" for the main metrics, "all" for all metrics.
        verbose: as in `keras.Model.evaluate`.

    Returns:
        A `Report`; its models are called by their `name`. Total losses take the alphas that `model` has now.

    Raises:
        ValueError: the data set is empty or has no end, or the baseline has other tasks than the model.
        TypeError: the model or the baseline is no `MultiTaskModel`.

    Source: the comparison with single-task baselines of Standley et al. (2020) and others.

    >>> import numpy as np
    >>> from mtlzoo.architectures import hard_sharing, single_task
    >>> from mtlzoo import Task
    >>> tasks = [Task.binary("a"), Task.regression("b")]
    >>> data = (np.ones((4, 3)), {"a": np.array([0, 1, 0, 1]), "b": np.ones(4)})
    >>> found = report(hard_sharing((3,), tasks, seed=0), data, single_task((3,), tasks, seed=0))
    >>> list(found.results), found.parameters["hard_sharing"]
    (['hard_sharing', 'single_task'], 4546)
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    if baseline is None and (baseline_history is not None or baseline_seconds is not None):
        raise ValueError("`baseline` must be given with baseline_history and baseline_seconds; received None.")
    data = _datasets.as_dataset("dataset", dataset)
    base, parts = _baseline(baseline, model)
    models = _given({model.name: [model], base: parts})
    return compare(
        {name: _evaluate(parts, data, verbose) for name, parts in models.items()},
        model.tasks,
        baseline=base,
        alphas=dict(model.alphas),
        metrics=metrics,
        parameters={name: sum(part.count_params() for part in parts) for name, parts in models.items()},
        seconds=_given({model.name: seconds, base: baseline_seconds}),
        histories=_given({model.name: history, base: baseline_history}),
    )


def _given(values):
    return {name: value for name, value in values.items() if value is not None}


def _baseline(baseline, model):
    """Returns the baseline's name and its models, or None twice, after checking that they have the model's tasks."""
    if baseline is None:
        return None, None
    names = [task.name for task in model.tasks]
    wanted = "a mtlzoo.MultiTaskModel, or a dict of one a task"
    if isinstance(baseline, Mapping):
        checks.exact_keys("baseline", baseline, names)
        for name, part in baseline.items():
            checks.instance(f"baseline[{name!r}]", part, MultiTaskModel, wanted)
            checks.exact_keys(f"baseline[{name!r}].tasks", [task.name for task in part.tasks], [name])
        parts, called = [baseline[name] for name in names], "single_task"
    else:
        checks.instance("baseline", baseline, MultiTaskModel, wanted)
        checks.exact_keys("baseline.tasks", [task.name for task in baseline.tasks], names)
        parts, called = [baseline], baseline.name
    return (f"{called}_baseline" if called == model.name else called), parts


def _evaluate(parts, data, verbose):
    found = {}
    for part in parts:
        results = part.evaluate(_fitting(data, part), return_dict=True, verbose=verbose)
        # `loss` is under this model's own alphas and balancer weights mean nothing here: `Report.total_losses` has the comparable sum.
        wanted = [key for task in part.tasks for key in _metrics.directions(task)]
        found |= {key: results[key] for key in wanted}
    return found


def _fitting(data, model):
    """Leaves out inputs that the model does not have."""
    spec, wanted = data.element_spec[0], model.input
    if not (isinstance(spec, Mapping) and isinstance(wanted, Mapping)) or set(spec) == set(wanted):
        return data
    for key in wanted:
        checks.one_of("dataset inputs", key, spec)
    return data.map(lambda x, *rest: ({key: x[key] for key in wanted}, *rest))
