"""The picture of alphas against metrics."""

from mtlzoo.evaluation import _figures


def varied(result):
    """Returns the tasks whose alpha differs between completed trials."""
    return [task for task in result.tasks if result.completed[f"alpha_{task.name}"].nunique() > 1]


def plot_alphas(result, path):
    """Draws a grid: a row for each task's main metric, a column for each alpha that was searched."""
    from matplotlib.figure import Figure

    searched, done = varied(result), result.completed
    figure = Figure(figsize=(1.2 + 2.6 * len(searched), 0.8 + 2.2 * len(result.tasks)), layout="constrained")
    axes = figure.subplots(len(result.tasks), len(searched), squeeze=False, sharex="col", sharey="row")
    marks = {"default": (result.default["trial"], "s", "tab:orange"), "best": (result.best["trial"], "*", "tab:red")}
    for row, task in enumerate(result.tasks):
        key = f"val_{task.monitor_key}"
        for column, other in enumerate(searched):
            axis, x = axes[row, column], done[f"alpha_{other.name}"]
            axis.scatter(x, done[key], color="tab:blue", alpha=0.6, s=18, label="trial")
            for label, (trial, marker, colour) in marks.items():
                at = done["trial"] == trial
                axis.scatter(x[at], done[key][at], marker=marker, color=colour, s=90, label=label, zorder=3)
            _scale(axis, x)
            axis.grid(alpha=0.3)
            if row == len(result.tasks) - 1:
                axis.set_xlabel(f"alpha of {other.name}")
            if column == 0:
                axis.set_ylabel(f"{task.monitor_key}, {task.monitor[1]} is better")
    axes[0, -1].legend(fontsize="small")
    return _figures.saved(figure, path)


def _scale(axis, values):
    """A logarithmic axis with names at 1, 2 and 5 where it is short, at powers of 10 where it is long."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0,) if values.max() > 100 * values.min() else (1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
