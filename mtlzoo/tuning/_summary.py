"""A result of a search as text and as Markdown."""

import math

from mtlzoo.evaluation import _tables
from mtlzoo.tuning import _trials


def text(result):
    """Returns table, front and best trial as text."""
    return _tables.text([_table(result)], notes(result))


def markdown(result):
    """Returns the same as Markdown."""
    return _tables.markdown("Search", [_table(result)], notes(result))


def notes(result):
    """Returns what is to be said about a result, line by line."""
    if result.trials.empty:
        return ["No trial has begun."]
    default = f"Trial {result.trials['trial'].iloc[0]} is the default: the tasks' own alphas."
    lines = [f"Objective: {result.objective}, more is better. * on the Pareto front of the tasks. {default}"]
    failed = int((result.trials["status"] == "failed").sum())
    if failed:
        lines.append(f"Failed: {failed} of {len(result.trials)} trials; the first said: {_trials.first_message(result.trials)}")
    if result.baseline is not None:
        single = ", ".join(f"{task.monitor_key} {_number(result.baseline[task.monitor_key])}" for task in result.tasks)
        lines.append(f"Single-task models: {single}.")
    if result.completed.empty:
        return [*lines, "No trial was completed."]
    if not result.comparable.empty:
        lines.append(_front(result))
    best, default = result.best, result.default
    alphas = ", ".join(f"{name} {_number(alpha)}" for name, alpha in best["alphas"].items())
    others = "".join(f", {key} {value}" for key, value in best["arguments"].items())
    lines.append(f"Best: trial {best['trial']} ({best['architecture']}, balancer {best['balancer']}{others}), alphas {alphas}.")
    known = math.isfinite(default["score"])
    gain = f"{best['score'] - default['score']:+.4g} against the default's {_number(default['score'])}" if known else "the default failed"
    return [*lines, f"Its score is {_number(best['score'])}: {gain}, on the data it was chosen by and from one run; judge it on others."]


def _front(result):
    pairs = zip(result.tasks, result.reference, strict=True)
    reference = ", ".join(f"{task.monitor_key} {_number(value)}" for task, value in pairs)
    share = f"{len(result.front)} of {len(result.comparable)} trials"
    return f"Front: {share}; hypervolume {_number(result.hypervolume)}, reference point {reference}."


def _table(result):
    frame = result.trials
    front = set() if result.comparable.empty else set(result.front["trial"])
    columns = [key for key in frame.columns if key != "message" and not (key in ("architecture", "balancer") and frame[key].nunique() < 2)]
    rows = [[_cell(key, row[key], row["trial"] in front) for key in columns] for _, row in frame.iterrows()]
    words = sum(key in ("trial", "status") for key in columns)
    return "Trials", columns, rows, words


def _cell(key, value, on_front):
    if key == "trial":
        return f"{value} *" if on_front else str(value)
    if key == "epochs":
        return "–" if value != value else str(int(value))
    if key == "seconds":
        return "–" if value != value else f"{value:.1f}"
    if isinstance(value, float):
        return _number(value)
    return "–" if value is None else str(value)


def _number(value):
    return f"{value:.4g}" if math.isfinite(value) else "–"
