"""How a report is written: tables as text and Markdown, and the verdict."""

import math

from mtlzoo.evaluation import _metrics, _tables

NOISE = "from one run a model it cannot be said whether that is more than the noise of the seed."
ARROWS = {"max": "↑", "min": "↓"}
NOTE = "↑ higher is better, ↓ lower is better; changes in % against {baseline}, + is better; * main metric."


def verdict(report):
    """Returns in one sentence how the models stand to the baseline, or that there is nothing to compare with."""
    if not report.challengers:
        return "There is no baseline in this report, so it cannot say whether multi-task learning helped on this data."
    told = "; ".join(_standing(report, model) for model in report.challengers)
    return f"On this data {told}; {NOISE}"


def text(report):
    """Returns the report as text."""
    return _tables.text([(*_task_table(report), 2), (*_overall_table(report), 1)], _notes(report))


def markdown(report):
    """Returns the report as Markdown."""
    return _tables.markdown("Report", [(*_task_table(report), 2), (*_overall_table(report), 1)], _notes(report))


def number(value):
    """Returns a value as text with four significant digits, thousands whole."""
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"


def percent(value):
    """Returns a change as text with its sign."""
    return "–" if not math.isfinite(value) else f"{value:+.2f} %"


def _standing(report, model):
    changes = report.changes[model]
    groups = {"better": [], "worse": [], "the same": [], "not comparable": []}
    for task in report.tasks:
        found = changes[task.monitor_key]
        kind = "not comparable" if math.isnan(found) else "better" if found > 0 else "worse" if found < 0 else "the same"
        groups[kind].append(task.name)
    total = report.delta_m[model]
    stand = "cannot be ranked overall against" if math.isnan(total) else "was level overall with"
    if total > 0:
        stand = "came out ahead overall of"
    elif total < 0:
        stand = "came out behind"
    told = "; ".join(f"{kind} on {', '.join(names)}" for kind, names in groups.items() if names)
    return f"{model} {stand} {report.baseline} (Δm {percent(total)}; {told})"


def _notes(report):
    names = ", ".join(f"{name} {alpha:g}" for name, alpha in report.alphas.items())
    note = NOTE.format(baseline=report.baseline) if report.baseline else NOTE.split(";")[0] + "; * main metric."
    if report.best_epochs:
        note = note.removesuffix(".") + "; epochs count from 0."
    over = "main metrics" if report.metrics == "monitor" else "all metrics"
    return [note, f"Total loss is Σ α·L with alphas {names}; Δm is over {over}.", report.verdict]


def _task_table(report):
    header, rows = ["Task", "Metric", *report.results], []
    marked = [model for model in report.results if model in report.best_epochs]
    header += [f"Best epoch, {model}" for model in marked]
    for task in report.tasks:
        for key, better in _metrics.directions(task).items():
            if not any(key in found for found in report.results.values()):
                continue
            main = key == task.monitor_key
            metric = f"{key.removeprefix(task.name + '_')} {ARROWS[better]}{' *' if main else ''}"
            best = [str(report.best_epochs[model].get(task.name, "–")) if main else "" for model in marked]
            rows.append([task.name if main else "", metric, *[_cell(report, model, key) for model in report.results], *best])
    return "Tasks", header, rows


def _cell(report, model, key):
    value = number(report.results[model].get(key))
    return f"{value}  {percent(report.changes[model][key])}" if model in report.challengers else value


def _overall_table(report):
    lines = {
        "Total loss ↓": (report.total_losses, number),
        "Mean rank ↓": (report.mean_ranks, "{:.2f}".format),
        "Δm ↑": (report.delta_m, percent),
        "Parameters": (report.parameters, number),
        "Epochs": (report.epochs, number),
        "Training, seconds": (report.seconds, "{:.1f}".format),
    }
    rows = [
        [name, *[form(values[model]) if model in values else "–" for model in report.results]]
        for name, (values, form) in lines.items()
        if any(math.isfinite(value) for value in values.values())
    ]
    return "Overall", ["", *report.results], rows
