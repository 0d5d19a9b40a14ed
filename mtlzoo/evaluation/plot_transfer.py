"""`plot_transfer`: bars of what each task gains or loses by multi-task learning."""

import math
import os

from mtlzoo import checks, files
from mtlzoo.evaluation import _figures
from mtlzoo.evaluation._transfer import VERDICTS, Transfer, with_interval

_COLOURS = dict(zip(VERDICTS, ("#2a9d5c", "#c0392b", "#8fa8bf", "#d9d9d9"), strict=True))


def plot_transfer(transfer: Transfer, path: str | os.PathLike | None = None, *, overwrite: bool = False):
    """Bars of each task's change against single-task models with its confidence interval, coloured by verdict.

    Args:
        transfer: what `mtlzoo.evaluation.transfer` returned.
        path: a PNG file to write, or None.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`: no display and no pyplot state are used.

    Raises:
        ValueError: the file exists.
        TypeError: `transfer` is something else.

    Source: the transfer bars of Standley et al. (ICML 2020).

    >>> from mtlzoo import Task
    >>> from mtlzoo.evaluation import transfer
    >>> axis = plot_transfer(transfer({"a": [3.0, 3.1]}, {"a": [2.0, 2.2]}, [Task.regression("a")])).axes[0]
    >>> [label.get_text() for label in axis.get_yticklabels()]
    ['a']
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    checks.instance("transfer", transfer, Transfer, "what mtlzoo.evaluation.transfer returns")
    if path is not None:
        path = files.free_path("path", path, overwrite)
    names = [task.name for task in transfer.tasks]
    figure = Figure(figsize=(7.5, 1.5 + 0.42 * len(names)), layout="constrained")
    axis = figure.add_subplot()
    for place, name in enumerate(names):
        change, half, verdict = transfer.changes[name], transfer.halves[name], transfer.verdicts[name]
        known = math.isfinite(change)
        error = {"xerr": half, "error_kw": {"elinewidth": 1.2, "capsize": 4}} if known and math.isfinite(half) else {}
        bar = axis.barh(place, change if known else 0.0, 0.62, color=_COLOURS[verdict], **error)
        if verdict == "unlearnable":
            bar[0].set(hatch="///", edgecolor="white")
        label = f"{with_interval(change, half)}  {verdict}" if known else "no change can be told"
        axis.annotate(label, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.margins(x=0.08)
    axis.set_title("Multi-task against single-task models", fontsize=11)
    axis.set_xlabel(f"change, %, + is better; lines: {100 * transfer.confidence:g} % intervals over seeds", fontsize=9)
    axis.tick_params(labelsize=9)
    axis.grid(axis="x", alpha=0.25)
    axis.spines[["top", "right", "left"]].set_visible(False)
    there = [verdict for verdict in VERDICTS if transfer.having(verdict)]
    handles = [Patch(color=_COLOURS[verdict], label=verdict) for verdict in there]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(there), frameon=False, fontsize=9)
    return _figures.saved(figure, path)
