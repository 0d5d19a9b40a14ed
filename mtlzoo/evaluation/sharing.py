"""Pictures of what a model has learnt about sharing."""

import math
import os

import numpy as np

from mtlzoo import _learnt_sharing, files
from mtlzoo.evaluation import _figures

_NUMBERED = 120  # With more entries numbers would not fit into their cells.
# So many rows or columns have a name each; of more, every second or third.
_LABELLED = 24


def plot_sharing(model, x=None, path: str | os.PathLike | None = None, *, overwrite: bool = False):
    """Heat maps of what a model has learnt about sharing: stitches by stage, gates by task and expert.

    Args:
        model: a `mtlzoo.MultiTaskModel` with layers that learn how much tasks share.
        x: inputs as the model reads them, [rows, ...] or a dict of these; needed where gates depend on them, and averaged over.
        path: a PNG file to write, or None.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the file exists, the model has learnt nothing about sharing, or `x` is needed and not there.
        TypeError: `x` holds something else than arrays.

    Source: the pictures of stitch units and gates in Misra et al. (CVPR 2016) and Ma et al. (KDD 2018).

    >>> from mtlzoo import Task, architectures
    >>> model = architectures.mmoe((4,), [Task.binary("a"), Task.binary("b")], trunk="mlp", experts=3, seed=0)
    >>> axis = plot_sharing(model, np.ones((2, 4))).axes[0]
    >>> axis.get_title(), [label.get_text() for label in axis.get_xticklabels()]
    ('gates', ['expert0', 'expert1', 'expert2'])
    """
    from matplotlib.figure import Figure

    if path is not None:
        path = files.free_path("path", path, overwrite)
    found = _learnt_sharing.collect(model, x)
    wide = min(len(found), 3)
    high = math.ceil(len(found) / wide)
    rows, columns = (max(matrix.values.shape[axis] for matrix in found.values()) for axis in (0, 1))
    figure = Figure(figsize=(wide * (1.6 + _side(columns)), high * (1.4 + _side(rows))), layout="constrained")
    for index, (name, matrix) in enumerate(found.items()):
        _heat_map(figure, figure.add_subplot(high, wide, index + 1), name, matrix)
    return _figures.saved(figure, path)


def _side(count):
    """Length of a side of a heat map in inches."""
    return min(max(0.62 * count, 1.5), 7.0)


def _size(count):
    """Points of the names along an axis of so many."""
    return 8 if count <= 16 else 6


def _heat_map(figure, axis, name, matrix):
    values = np.asarray(matrix.values, "float64")
    # Blue is positive in both maps, so that panels can be compared.
    signed, top = bool(values.min() < 0), float(np.abs(values).max()) or 1.0
    rows, columns = values.shape
    aspect = "auto" if columns > 4 * rows or rows > 4 * columns else "equal"
    image = axis.imshow(values, cmap="RdBu" if signed else "Blues", vmin=-top if signed else 0, vmax=top, aspect=aspect)
    numbered = values.size <= _NUMBERED and max(values.shape) <= _LABELLED
    for place, value in np.ndenumerate(values) if numbered else ():
        colour = "white" if abs(value) > 0.6 * top else "black"
        axis.text(
            place[1], place[0], f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1), ha="center", va="center", fontsize=8, color=colour
        )
    slanted = sum(len(label) for label in matrix.columns) > 8 * len(matrix.columns) or len(matrix.columns) > 6
    across, down = (range(0, count, -(-count // _LABELLED)) for count in (columns, rows))
    turned = {"rotation": 45, "ha": "right"} if slanted else {}
    axis.set_xticks(across, [matrix.columns[place] for place in across], fontsize=_size(columns), **turned)
    axis.set_yticks(down, [matrix.rows[place] for place in down], fontsize=_size(rows))
    axis.set_title(name, fontsize=11)
    axis.set_xlabel("what is read", fontsize=9)
    axis.set_ylabel("who reads", fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if not numbered:
        figure.colorbar(image, ax=axis, shrink=0.8).ax.tick_params(labelsize=7)
