"""`plot_front`: models as points over the tasks, their Pareto front, and what it dominates."""

import os
from collections.abc import Sequence

import numpy as np

from mtlzoo import checks, files
from mtlzoo.evaluation import _figures, _points, _render
from mtlzoo.evaluation.hypervolume import hypervolume
from mtlzoo.evaluation.reference_point import reference_point

_FRONT, _BEHIND = "#1f77b4", "#a9a9a9"


def plot_front(
    points,
    names: Sequence[str],
    better: Sequence[str],
    path: str | os.PathLike | None = None,
    *,
    labels: Sequence[str] | None = None,
    reference: Sequence[float] | None = None,
    overwrite: bool = False,
):
    """Draws models over the tasks: points with the dominated area for two tasks, one line a model for more.

    The title has the hypervolume from the reference point. With more than two tasks, each axis has its better end on top.

    Args:
        points: [n, T], finite, at least one row (a model) and two columns (a task's metric).
        names: names of the T tasks or metrics.
        better: T times "max" or "min", the direction that is better.
        path: a PNG file to write, or None.
        labels: what the n models are called, or None; those of the front are shown.
        reference: [T], or None for `reference_point(points, better)`.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: shapes do not fit, a value is not finite, a direction is unknown, or the file exists.
        TypeError: `better`, `names` or `labels` are no sequences of the right type.

    Source: the fronts of Sener & Koltun (NeurIPS 2018) and of Lin et al., "Pareto Multi-Task Learning" (NeurIPS 2019); parallel
        coordinates of Inselberg (1985).

    >>> figure = plot_front([[0.9, 3.0], [0.8, 2.0], [0.7, 4.0]], ["digit accuracy", "price mae"], ["max", "min"])
    >>> figure.axes[0].get_title()
    '2 of 3 on the front, hypervolume 0.384 from (0.68, 4.2)'
    """
    from matplotlib.figure import Figure

    costs, _ = _points.costs(points, better)
    points = np.asarray(points, "float64")
    corner = reference_point(points, better) if reference is None else np.asarray(reference, "float64")
    names = _words("names", names, points.shape[1], "tasks")
    if len(names) < 2 or not np.isfinite(points).all():
        raise ValueError(f"`points` must be finite and of at least two tasks; received {points.tolist()}.")
    labels = None if labels is None else _words("labels", labels, len(points), "points")
    volume = hypervolume(points, corner, better)
    if path is not None:
        path = files.free_path("path", path, overwrite)
    front = _points.front(costs)
    titles = [f"{name} {_render.ARROWS[way]}" for name, way in zip(names, better, strict=True)]
    wide = 7.0 if len(names) == 2 else max(7.0, 1.5 * len(names) + 2.5 * (labels is not None))
    figure = Figure(figsize=(wide, 5.2), layout="constrained")
    axis = figure.add_subplot()
    draw = _plane if len(names) == 2 else _parallel
    draw(axis, points, front, corner, titles, better, labels)
    place = ", ".join(f"{value:.4g}" for value in corner)
    told = f"{front.sum()} of {len(points)} on the front, hypervolume {volume:.4g}"
    axis.set_title(f"{told}{' ' if len(names) == 2 else chr(10)}from ({place})", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    return _figures.saved(figure, path)


def _words(argument, given, count, what):
    found = [checks.instance(argument, word, str, "strings") for word in given]
    if len(found) != count:
        raise ValueError(f"`{argument}` must have one word for each of the {count} {what}; received {len(found)}.")
    return found


def _plane(axis, points, front, corner, titles, better, labels):
    """Two tasks: all points, the staircase of the front, and the area up to the reference."""
    sign = _points.signs(better)
    axis.scatter(*points[~front].T, color=_BEHIND, s=26, label="dominated", zorder=3)
    axis.scatter(*points[front].T, color=_FRONT, s=40, label="Pareto front", zorder=4)
    counted = points[front & (points * sign < corner * sign).all(axis=1)]
    if len(counted):
        first, second = counted[np.argsort(counted[:, 0] * sign[0])].T
        # From each point straight on to where the next one begins, and from there to that one.
        x = np.concatenate([first[:1], np.repeat(first[1:], 2), corner[:1]])
        y = np.concatenate([corner[1:], np.repeat(second, 2)])
        steps = np.stack([np.concatenate([first[:1], x]), y]).T
        axis.plot(*steps[1:].T, color=_FRONT, linewidth=1.2)
        axis.fill(*np.concatenate([steps, corner[None]]).T, color=_FRONT, alpha=0.13, linewidth=0, label="dominated area")
    axis.plot(*corner, "x", color="black", markersize=8, label="reference")
    for index in np.flatnonzero(front) if labels else ():
        axis.annotate(labels[index], points[index], xytext=(6, 6), textcoords="offset points", fontsize=8)
    axis.set_xlabel(titles[0], fontsize=10)
    axis.set_ylabel(titles[1], fontsize=10)
    axis.margins(0.12)
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=8, frameon=False)


def _parallel(axis, points, front, corner, titles, better, labels):
    """More tasks: one line a model over one axis a task, from the worst value to the best."""
    gains = -points * _points.signs(better)
    low, high = gains.min(axis=0), gains.max(axis=0)
    heights = np.where(high > low, (gains - low) / np.where(high > low, high - low, 1.0), 0.5)
    places = np.arange(len(titles))
    aside = {"ha": "center", "fontsize": 8, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
    colours = _colours(int(front.sum()))
    for row in heights[~front]:
        axis.plot(places, row, color=_BEHIND, linewidth=0.9, alpha=0.6, zorder=2)
    for colour, index in zip(colours, np.flatnonzero(front), strict=True):
        axis.plot(places, heights[index], "o-", color=colour, linewidth=1.7, markersize=4, zorder=3, label=labels and labels[index])
    for place in places:
        axis.axvline(place, color="black", linewidth=0.8, zorder=1)
        worst, best = points[gains[:, place].argmin(), place], points[gains[:, place].argmax(), place]
        axis.text(place, 1.03, f"{best:.4g}", va="bottom", **aside)
        axis.text(place, -0.03, f"{worst:.4g}", va="top", **aside)
    axis.set_xticks(places, titles, fontsize=9)
    axis.set_yticks([0, 1], ["worst", "best"], fontsize=8)
    axis.set(xlim=(-0.3, len(titles) - 0.7), ylim=(-0.1, 1.1))
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if labels:
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)


def _colours(count):
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0, 0.9, count))
