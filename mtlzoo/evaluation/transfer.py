"""`transfer`: which tasks gain and which lose by multi-task learning, with confidence intervals."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mtlzoo import checks
from mtlzoo.evaluation import _confidence, _metrics
from mtlzoo.evaluation._transfer import Transfer
from mtlzoo.evaluation.mean_interval import mean_interval
from mtlzoo.task import Task, check_tasks

_SAME = 1e-6  # Relative difference up to which two values are equal: metrics are float32.


def transfer(
    multi,
    single,
    tasks: Sequence[Task],
    *,
    chance: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    margin: float = 0.0,
) -> Transfer:
    """Judges for each task whether multi-task models do better or worse than single-task ones, by the task's main metric.

    Δ is the difference of the means in % of the single-task mean, + is better. Its interval is that of the paired t test where both
    kinds of model have the same seeds, else Welch's. The verdict is "positive" or "negative" (negative transfer) if the interval
    excludes 0, else "undecided"; with one seed there is no interval, so nothing is decided. Intervals are of each task by itself and
    are not corrected for their number: of 20 tasks without any effect, one is expected to be called one or the other at 95 %.

    A task is "unlearnable", whatever its Δ, if neither its single-task nor its multi-task results are better than chance by more than
    their interval (their own or that of the pooled spread of both, whichever is narrower): where nothing is learnt, there is
    nothing to transfer. Intervals are over seeds on the same data; on a small test set a task of noise may come out a little better than
    chance with every seed, which `margin` is for.

    Args:
        multi: results of multi-task models: a list of results of `evaluate`, one a seed, or a dict of task name to a list of values,
            one a seed, or to a dict of seed to value. Lists of the same length are taken to have the same seeds, in order.
        single: the same of single-task models; of several models a seed, one dict of all results.
        tasks: the tasks.
        chance: what `chance_results` returned, or None: then no task is called unlearnable.
        confidence: of the intervals, above 0 and below 1.
        margin: by how many % of chance results must be better than it at least.

    Returns:
        A `Transfer`.

    Raises:
        ValueError: a task has no value, or names are not those of the tasks.
        TypeError: an argument is of another type.

    Source: Δ_t of Maninis et al. (CVPR 2019); Standley et al. (ICML 2020) on tasks that suffer; Welch (Biometrika 1947).

    >>> tasks = [Task.regression("a"), Task.regression("noise")]
    >>> multi = {"a": [1.1, 1.12, 1.11], "noise": [2.3, 2.1, 2.0]}
    >>> single = {"a": [1.0, 1.0, 1.0], "noise": [2.1, 2.0, 2.0]}
    >>> transfer(multi, single, tasks, chance={"a_mae": 5.0, "noise_mae": 2.0}).verdicts
    {'a': 'negative', 'noise': 'unlearnable'}
    """
    tasks = check_tasks(tasks)
    confidence, margin = _confidence.checked(confidence), checks.number("margin", margin, low=0)
    multi, single = _read("multi", multi, tasks), _read("single", single, tasks)
    if chance is not None:
        checks.instance("chance", chance, Mapping, "a dict as `chance_results` returns")
        chance = {task.name: _metrics.value_of("chance", chance, task.monitor_key) for task in tasks}
    changes, halves, verdicts, paired = {}, {}, {}, {}
    for task in tasks:
        name, sign = task.name, 1 if task.monitor[1] == "max" else -1
        paired[name] = list(multi[name]) == list(single[name])
        values = [np.array(list(results[name].values())) * sign for results in (multi, single)]
        changes[name], halves[name] = _change(*values, paired[name], confidence)
        lost = chance is not None and _unlearnable(*values, sign * chance[name], confidence, margin)
        verdicts[name] = "unlearnable" if lost else _verdict(changes[name], halves[name])
    multi, single = ({name: tuple(found.values()) for name, found in results.items()} for results in (multi, single))
    return Transfer(
        tasks=tasks,
        multi=multi,
        single=single,
        chance=chance or {},
        changes=changes,
        halves=halves,
        verdicts=verdicts,
        paired=paired,
        confidence=confidence,
    )


def _read(argument, results, tasks):
    """Values by task name and seed; seeds without a name are counted."""
    wanted = "a list of results (evaluate with return_dict=True), or a dict of task name to values"
    if isinstance(results, Mapping):
        checks.exact_keys(argument, results, [task.name for task in tasks])
        found = {task.name: results[task.name] for task in tasks}
    else:
        runs = list(checks.instance(argument, results, Sequence, wanted))
        for index, run in enumerate(runs):
            checks.instance(f"{argument}[{index}]", run, Mapping, "a dict (evaluate with return_dict=True)")
        found = {task.name: [_metrics.value_of(f"{argument}[...]", run, task.monitor_key) for run in runs] for task in tasks}
    read = {}
    for name, values in found.items():
        checks.instance(f"{argument}[{name!r}]", values, (Mapping, Sequence, np.ndarray), "values, one a seed")
        pairs = values.items() if isinstance(values, Mapping) else enumerate(values)
        read[name] = {seed: float(value) for seed, value in sorted(pairs, key=lambda pair: str(pair[0]))}
        if not read[name]:
            raise ValueError(f"`{argument}` must have a value of task {name!r} from one seed at least; received none.")
    return read


def _change(multi, single, paired, confidence):
    """Δ in % of the single-task mean and half its interval, from values of which the higher are better."""
    from scipy import stats

    base = abs(single.mean())
    if base == 0 or not (np.isfinite(multi).all() and np.isfinite(single).all()):
        return math.nan, math.nan
    if paired:
        difference, half = mean_interval(multi - single, confidence=confidence)
    else:
        difference, half = multi.mean() - single.mean(), math.nan
        if min(len(multi), len(single)) > 1:
            parts = np.array([values.var(ddof=1) / len(values) for values in (multi, single)])
            freedom = parts.sum() ** 2 / (parts**2 / [len(multi) - 1, len(single) - 1]).sum() if parts.any() else 1.0
            half = stats.t.ppf(0.5 + confidence / 2, freedom) * math.sqrt(parts.sum())
    return float(100 * difference / base), float(100 * half / base)


def _unlearnable(multi, single, chance, confidence, margin):
    """Whether neither kind's values, of which the higher are better, are shown to be above chance."""
    from scipy import stats

    kinds = (multi, single)
    if not all(len(values) > 1 and np.isfinite(values).all() for values in kinds):
        return False
    # Two or three seeds tell little of their spread: what both kinds say of it together keeps tasks that are learnt from being called so.
    freedom = len(multi) + len(single) - 2
    spread = math.sqrt(sum((len(values) - 1) * values.var(ddof=1) for values in kinds) / freedom)
    pooled = stats.t.ppf(0.5 + confidence / 2, freedom) * spread
    least = chance + abs(chance) * max(margin / 100, _SAME)
    halves = [min(mean_interval(values, confidence=confidence)[1], pooled / math.sqrt(len(values))) for values in kinds]
    return all(values.mean() - half <= least for values, half in zip(kinds, halves, strict=True))


def _verdict(change, half):
    if not math.isfinite(half) or abs(change) - half <= 100 * _SAME:
        return "undecided"
    return "positive" if change > 0 else "negative"
