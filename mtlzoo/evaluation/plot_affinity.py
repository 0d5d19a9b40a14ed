"""`plot_affinity`: a heat map of how much tasks help each other."""

import math
import os
from collections.abc import Sequence

import numpy as np

from mtlzoo import files
from mtlzoo.evaluation import _affinities, _figures, _heat_maps


def plot_affinity(affinity, names: Sequence[str] | None = None, path: str | os.PathLike | None = None, *, overwrite: bool = False):
    """Heat map of affinities with numbers: rows are tasks that help, columns are tasks that are helped.

    Small affinities, as TAG's are, are shown multiplied by a power of ten that the title says. The diagonal is left
    out: what a step on a task does for itself is of another size than what it does for others.

    Args:
        affinity: [T, T], T at least 2; entry [i, j] is how much task i helps task j, + is better.
        names: names of the tasks in the order of the matrix; None for task0, task1, ...
        path: a PNG file to write, or None.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the matrix is not square, not finite or of one task, names do not fit, or the file exists.

    Source: the affinity matrices of Fifty et al. (NeurIPS 2021).

    >>> axis = plot_affinity([[0, 0.002], [-0.001, 0]], ["a", "b"]).axes[0]
    >>> axis.get_title(), [text.get_text() for text in axis.texts]
    ('Affinity × 10³, + helps', ['2.00', '-1.00'])
    """
    from matplotlib.figure import Figure

    affinity = _affinities.matrix(affinity)
    names = _affinities.names(names, len(affinity))
    if len(names) < 2:
        raise ValueError("`affinity` must be of at least two tasks; received one.")
    if path is not None:
        path = files.free_path("path", path, overwrite)
    np.fill_diagonal(affinity, np.nan)
    largest = np.nanmax(np.abs(affinity))
    power = -math.floor(math.log10(largest)) if largest > 0 else 0
    power = power if power > 1 or power < -2 else 0
    title = f"Affinity{f' × 10{str(power).translate(_RAISED)}' if power else ''}, + helps"
    figure = Figure(figsize=(1.6 + _heat_maps.side(len(names)), 1.4 + _heat_maps.side(len(names))), layout="constrained")
    _heat_maps.draw(
        figure, figure.add_subplot(), affinity * 10.0**power, names, names, title=title, across="helped task", down="helping task"
    )
    return _figures.saved(figure, path)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
