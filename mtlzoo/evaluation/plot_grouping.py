"""`plot_grouping`: which model is trained on which tasks, and serves which."""

import os

from mtlzoo import checks, files
from mtlzoo.evaluation import _figures
from mtlzoo.evaluation._grouping import Grouping

_SERVED, _HELPING, _ABSENT = "#1f77b4", "#c6dbef", "#f4f4f4"


def plot_grouping(grouping: Grouping, path: str | os.PathLike | None = None, *, overwrite: bool = False):
    """One row a model and one column a task: dark where the model serves the task, with its gain, light where the task only helps.

    Args:
        grouping: what `group_tasks` returned.
        path: a PNG file to write, or None.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the file exists.
        TypeError: `grouping` is something else.

    Source: the groupings of Standley et al. (ICML 2020).

    >>> from mtlzoo.evaluation import group_tasks
    >>> axis = plot_grouping(group_tasks([[0, 0.5], [0.25, 0]], 1, names=["a", "b"])).axes[0]
    >>> [text.get_text() for text in axis.texts]
    ['+0.25', '+0.5']
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    checks.instance("grouping", grouping, Grouping, "what mtlzoo.evaluation.group_tasks returns")
    if path is not None:
        path = files.free_path("path", path, overwrite)
    names, models = grouping.names, len(grouping.groups)
    figure = Figure(figsize=(max(2.2 + 0.8 * len(names), 4.5), 1.9 + 0.5 * models), layout="constrained")
    axis = figure.add_subplot()
    for row, (group, served) in enumerate(zip(grouping.groups, grouping.served, strict=True)):
        for column, name in enumerate(names):
            colour = _SERVED if name in served else _HELPING if name in group else _ABSENT
            axis.add_patch(Rectangle((column - 0.47, row - 0.44), 0.94, 0.88, color=colour))
            if name in served:
                axis.text(column, row, f"{grouping.gains[name]:+.3g}", ha="center", va="center", fontsize=9, color="white")
    axis.set(xlim=(-0.5, len(names) - 0.5), ylim=(models - 0.5, -0.5))
    slanted = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 9 else {}
    axis.set_xticks(range(len(names)), names, fontsize=9, **slanted)
    axis.set_yticks(range(models), [f"model {index + 1}" for index in range(models)], fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title(f"Total gain {grouping.total:+.4g}, cost {grouping.cost:g} of {grouping.budget:g}", fontsize=11)
    handles = [Patch(color=_SERVED, label="served, with its gain"), Patch(color=_HELPING, label="helps only")]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return _figures.saved(figure, path)
