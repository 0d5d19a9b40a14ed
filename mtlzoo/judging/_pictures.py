"""The pictures of a judgement: Δm, the tasks, and the cost of each method."""

import io
import math

from mtlzoo.judging import _tables
from mtlzoo.judging._methods import BASELINE

LIGHT = {
    "page": "#ffffff",
    "ink": "#1f2328",
    "soft": "#8b949e",
    "multi": "#1f6feb",
    "best": "#d95f02",
    "other": "#8b949e",
    "base": "#1f2328",
}
DARK = {
    "page": "#161b22",
    "ink": "#e6edf3",
    "soft": "#6e7681",
    "multi": "#58a6ff",
    "best": "#ff9b50",
    "other": "#8b949e",
    "base": "#e6edf3",
}


def files(judgement):
    """Returns all pictures as PNG by the name of their file."""
    return {f"{name}.png": png(make(judgement, LIGHT)) for name, make in PICTURES.items()}


def png(figure):
    """Returns a figure as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150, facecolor=figure.get_facecolor())
    return picture.getvalue()


def delta_m(judgement, colours):
    """Δm of each method with its interval; single-task models are the line at 0."""
    figure, (axis,) = _figure(judgement.methods, 1, colours)
    totals = judgement.delta_m
    for place, method in enumerate(judgement.methods):
        _point(axis, place, *totals.get(method.name, (0.0, 0.0)), _colour(judgement, method, colours))
    _finish(axis, judgement.methods, colours, "Δm in %, + is better")
    axis.axvline(0, color=colours["soft"], linewidth=1, zorder=0)
    return figure


def tasks(judgement, colours):
    """The main metric of each task by method, with its interval; a line stands at the single-task models."""
    figure, axes = _figure(judgement.methods, len(judgement.tasks), colours)
    found = judgement.results
    for axis, task in zip(axes, judgement.tasks, strict=True):
        for place, method in enumerate(judgement.methods):
            _point(axis, place, *found[method.name][task.name], _colour(judgement, method, colours))
        base = found[BASELINE][task.name][0]
        if math.isfinite(base):
            axis.axvline(base, color=colours["soft"], linewidth=1, zorder=0)
        _finish(axis, judgement.methods, colours, _tables.heading(task))
    return figure


def cost(judgement, colours):
    """Parameters, time a step and peak memory of each method."""
    kinds = {"parameters": "parameters", "step_ms": "ms a step", "peak_mib": "peak memory, MiB"}
    networks = [method for method in judgement.methods if method.architecture is not None]
    figure, axes = _figure(networks, len(kinds), colours)
    for axis, (key, title) in zip(axes, kinds.items(), strict=True):
        for place, method in enumerate(networks):
            value = judgement.cost(method.name, key)
            if math.isfinite(value):
                axis.barh(place, value, height=0.6, color=_colour(judgement, method, colours))
        _finish(axis, networks, colours, title)
        axis.set_xlim(left=0)
    return figure


PICTURES = {"delta_m": delta_m, "tasks": tasks, "cost": cost}


def _figure(methods, count, colours):
    """A figure with axes one above the other, which a narrow screen can show."""
    from matplotlib.figure import Figure

    height = 0.4 * len(methods) + 0.75
    figure = Figure(figsize=(4.8, count * height + 0.1), layout="constrained", facecolor=colours["page"])
    return figure, list(figure.subplots(count, 1, squeeze=False)[:, 0])


def _point(axis, place, mean, half, colour):
    if math.isfinite(mean):
        error = half if math.isfinite(half) else None
        axis.errorbar(mean, place, xerr=error, fmt="o", color=colour, markersize=6, capsize=3, linewidth=2)


def _finish(axis, methods, colours, title):
    from matplotlib.ticker import MaxNLocator

    axis.set_facecolor(colours["page"])
    axis.set_title(title, fontsize=10, color=colours["ink"], loc="left")
    axis.set_yticks(range(len(methods)), [method.name.replace(", ", ",\n") for method in methods], fontsize=9)
    axis.set_ylim(len(methods) - 0.5, -0.5)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axis.tick_params(colors=colours["ink"], labelsize=9)
    axis.grid(axis="x", color=colours["soft"], alpha=0.25)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(colours["soft"])


def _colour(judgement, method, colours):
    if method.name == judgement.best:
        return colours["best"]
    return colours["multi"] if method.multi_task else colours["base"] if method.name == BASELINE else colours["other"]
