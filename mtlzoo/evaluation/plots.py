"""Pictures: learning curves, and models side by side."""

import math
import os
from collections.abc import Sequence

from mtlzoo import files
from mtlzoo.evaluation import _figures, _metrics, _render
from mtlzoo.evaluation._report import Report
from mtlzoo.evaluation.history import columns
from mtlzoo.task import Task, check_tasks

_TRAIN, _VALIDATION, _GREY = "#1f77b4", "#d95f02", "#888888"
_COLOURS = ("#1f77b4", "#d95f02", "#2a9d5c", "#8e5ea2", "#c2a000", "#4d4d4d")


def plot_history(history, tasks: Sequence[Task], path: str | os.PathLike | None = None, *, validation_freq=1, overwrite=False):
    """Learning curves: the total loss, and each task's loss and main metric, on training and validation data.

    Args:
        history: what `model.fit` returned, or its dict of key to one float an epoch.
        tasks: the tasks.
        path: a PNG file to write, or None.
        validation_freq: the number of epochs between validations that `fit` was given.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the file exists, or the history lacks the total loss or a task's loss.

    Source: the usual learning curves.

    >>> values = {"loss": [2.0, 1.0], "digit_loss": [2.0, 1.0], "digit_accuracy": [0.5, 0.9]}
    >>> figure = plot_history(values, [Task.multiclass("digit", 10)])
    >>> [axis.get_title() for axis in figure.axes]
    ['Total loss Σ α·L', 'digit: loss', 'digit: accuracy ↑']
    """
    from matplotlib.figure import Figure

    if path is not None:
        path = files.free_path("path", path, overwrite)
    tasks, found = check_tasks(tasks), columns(history, validation_freq)
    for key in ("loss", *[f"{task.name}_loss" for task in tasks]):
        _metrics.value_of("history", dict.fromkeys(found, math.nan), key)
    panels = [[("Total loss Σ α·L", "loss", "min")], *[_task_panels(task, found) for task in tasks]]
    upright = len(tasks) > 4  # Many tasks: one row each.
    size = (8.5, 2.2 * len(panels) + 0.7) if upright else (3.3 * len(panels) + 0.4, 5.6)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(len(panels), 2) if upright else figure.add_gridspec(2, len(panels))
    for index, group in enumerate(panels):
        for place, (title, key, better) in enumerate(group):
            axis = figure.add_subplot(grid[(index, place) if upright else (place, index)])
            _curves(axis, found, key, f"{title} {_render.ARROWS[better]}" if place else title)
    _weights(figure, grid[(0, 1) if upright else (1, 0)], tasks, found)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return _figures.saved(figure, path)


def plot_report(report: Report, path: str | os.PathLike | None = None, *, overwrite: bool = False):
    """Bars of each task's main metric by model, and of the changes against the baseline with Δm.

    Args:
        report: what `compare` or `report` returned.
        path: a PNG file to write, or None.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the file exists.

    Source: the usual bar charts of multi-task papers.

    >>> from mtlzoo.evaluation import compare
    >>> results = {"mtl": {"a_mae": 1.0}, "single": {"a_mae": 2.0}}
    >>> figure = plot_report(compare(results, [Task.regression("a")], baseline="single"))
    >>> [axis.get_title() for axis in figure.axes]
    ['a: mae ↓', 'Change against single, + is better']
    """
    from matplotlib.figure import Figure

    if path is not None:
        path = files.free_path("path", path, overwrite)
    count, wide = len(report.tasks), min(len(report.tasks), 4)
    rows = math.ceil(count / wide)
    extra = bool(report.challengers)
    figure = Figure(figsize=(max(2.9 * wide, 6.5), 2.6 * (rows + extra) + 0.6), layout="constrained")
    grid = figure.add_gridspec(rows + extra, wide)
    for index, task in enumerate(report.tasks):
        _bars(figure.add_subplot(grid[index // wide, index % wide]), report, task)
    if extra:
        _changes(figure.add_subplot(grid[rows, :]), report)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False)
    return _figures.saved(figure, path)


def _task_panels(task, found):
    panels = [(f"{task.name}: loss", f"{task.name}_loss", "min")]
    if task.monitor_key in found and task.monitor[0] != "loss":
        panels.append((f"{task.name}: {task.monitor[0]}", task.monitor_key, task.monitor[1]))
    return panels


def _curves(axis, found, key, title):
    for name, label, colour, style in ((key, "training", _TRAIN, "-"), (f"val_{key}", "validation", _VALIDATION, "--")):
        if name in found:
            points = [(epoch, value) for epoch, value in enumerate(found[name]) if math.isfinite(value)]
            marker = "o" if len(points) <= 20 else None
            axis.plot(*(zip(*points, strict=True) if points else ([], [])), style, color=colour, label=label, marker=marker, markersize=3.5)
    _tidy(axis, title)


def _weights(figure, place, tasks, found):
    """Draws alphas and balancer weights over the epochs in the free cell, if they were logged."""
    kinds = [kind for kind in ("weight", "alpha") if any(f"{task.name}_{kind}" in found for task in tasks)]
    if not kinds:
        return
    axis = figure.add_subplot(place)
    for index, task in enumerate(tasks):
        for kind, style in (("weight", "-"), ("alpha", ":")):
            if f"{task.name}_{kind}" in found:
                label = f"{task.name} {kind}" if len(kinds) > 1 else task.name
                axis.plot(found[f"{task.name}_{kind}"], style, color=_COLOURS[index % len(_COLOURS)], label=label)
    _tidy(axis, " and ".join({"weight": "balancer weights", "alpha": "alphas"}[kind] for kind in kinds).capitalize())
    axis.legend(fontsize=7, frameon=False, ncols=1 + len(tasks) // 5)


def _tidy(axis, title):
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title, fontsize=11)
    axis.set_xlabel("epoch", fontsize=9)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _bars(axis, report, task):
    values = [found[task.monitor_key] for found in report.results.values()]
    for index, (model, value) in enumerate(zip(report.results, values, strict=True)):
        bars = axis.bar(index, value, width=0.7, color=_colour(report, model), label=model)
        axis.bar_label(bars, labels=[_render.number(value)], fontsize=8, padding=2)
    axis.set_title(f"{task.name}: {task.monitor[0]} {_render.ARROWS[task.monitor[1]]}", fontsize=11)
    axis.set_xticks([])
    axis.margins(y=0.15)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _changes(axis, report):
    names = [*[task.name for task in report.tasks], "Δm"]
    width, changes, totals = 0.7 / len(report.challengers), report.changes, report.delta_m
    for index, model in enumerate(report.challengers):
        heights = [*[changes[model][task.monitor_key] for task in report.tasks], totals[model]]
        places = [place + (index - (len(report.challengers) - 1) / 2) * width for place in range(len(names))]
        bars = axis.bar(places, heights, width=width * 0.92, color=_colour(report, model))
        bars[-1].set(edgecolor="black", linewidth=1.2)
        # One decimal and no unit, so that the labels of neighbours do not meet; the axis says %.
        labels = [f"{height:+.1f}" if math.isfinite(height) else "–" for height in heights]
        axis.bar_label(bars, labels=labels, fontsize=8 if len(report.challengers) < 3 else 7, padding=2)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.axvline(len(names) - 1.5, color=_GREY, linewidth=0.8, linestyle=":")
    axis.set_xticks(range(len(names)), names)
    axis.set_title(f"Change against {report.baseline}, + is better", fontsize=11)
    axis.set_ylabel("change, %", fontsize=9)
    axis.tick_params(labelsize=8)
    axis.margins(y=0.22)
    axis.spines[["top", "right"]].set_visible(False)


def _colour(report, model):
    if model == report.baseline:
        return "#b0b0b0"
    others = [name for name in report.results if name != report.baseline]
    return _COLOURS[others.index(model) % len(_COLOURS)]
