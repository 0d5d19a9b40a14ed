"""Pictures of what a model has learnt about sharing."""

import math
import os

from mtlzoo import _learnt_sharing, files
from mtlzoo.evaluation import _figures, _heat_maps


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

    >>> import numpy as np
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
    figure = Figure(figsize=(wide * (1.6 + _heat_maps.side(columns)), high * (1.4 + _heat_maps.side(rows))), layout="constrained")
    for index, (name, matrix) in enumerate(found.items()):
        axis = figure.add_subplot(high, wide, index + 1)
        _heat_maps.draw(figure, axis, matrix.values, matrix.rows, matrix.columns, title=name, across="what is read", down="who reads")
    return _figures.saved(figure, path)
