"""The two-dimensional toy problem of the balancing papers: two losses that conflict, and the paths that balancers take."""

import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import balancing, checks, files

STARTS = ((-8.5, 7.5), (-8.5, 5.0), (0.0, 0.0), (9.0, 9.0), (10.0, -8.0))
LEAST = 21.0
FRONT = ((-7.0, 7.0), -8.4)


def toy_losses(points, scale: float = 1.0):
    """The two losses at points of the plane: deep valleys with steep walls, minima at (∓7, −8), and a front between them.

    Args:
        points: [..., 2], float.
        scale: what the first loss is multiplied by; 0.1 in the papers' second setting.

    Returns:
        Losses [..., 2], float64; each is at least −21 (times its scale).

    Source: Liu et al. (CAGrad, NeurIPS 2021), appendix; as in Nash-MTL (ICML 2022) and FAMO (NeurIPS 2023).

    >>> [round(float(value), 3) for value in toy_losses([7.0, -8.0])]
    [-19.987, -0.4]
    """
    x, y = tf.unstack(tf.cast(points, "float64"), axis=-1)
    tanh = tf.tanh(-y)
    first = tf.math.log(tf.maximum(tf.abs(0.5 * (-x - 7) - tanh), 5e-6)) + 6
    second = tf.math.log(tf.maximum(tf.abs(0.5 * (-x + 3) + tanh + 2), 5e-6)) + 6
    bowls = [((-x + sign * 7) ** 2 + 0.1 * (-y - 8) ** 2) / 10 - 20 for sign in (1, -1)]
    upper, lower = _positive(tf.tanh(0.5 * y)), _positive(tf.tanh(-0.5 * y))
    return tf.stack([(upper * first + lower * bowls[0]) * scale, upper * second + lower * bowls[1]], axis=-1)


def toy_path(balancer, start, *, steps: int = 10_000, learning_rate: float = 5e-3, scale: float = 1.0, points: int = 200) -> np.ndarray:
    """The path of a balancer on the toy problem, trained by Adam.

    Balancers that look at the losses see them above their least value, so that they are positive.

    Args:
        balancer: a name, or a `mtlzoo.balancing.Balancer` that has not been used.
        start: the point (x, y) to start from.
        steps: steps of Adam.
        learning_rate: of Adam; the papers take 1e-3 and more steps.
        scale: as in `toy_losses`.
        points: how many points of the path are returned.

    Returns:
        The path [points + 1, 2], float64, from the start to the end.

    Raises:
        ValueError, TypeError: an argument is out of bounds, or the balancer unknown.

    Source: Liu et al. (CAGrad, NeurIPS 2021), appendix.

    >>> path = toy_path("equal", (0.0, 0.0), steps=200, points=4)
    >>> path.shape, path[0].tolist()
    ((5, 2), [0.0, 0.0])
    """
    checks.integer("points", points, low=1)
    marks = np.linspace(0, checks.integer("steps", steps, low=1), points + 1).round().astype(int)
    balancer = balancing.get(balancer)
    balancer.set_tasks(["regression", "regression"], [2])
    theta = keras.Variable(np.asarray(start, "float64"), dtype="float64", name="theta")
    optimizer = keras.optimizers.Adam(checks.number("learning_rate", learning_rate, low=0, strict=True))
    optimizer.build([theta])
    present, least = tf.ones(2, "bool"), tf.constant([LEAST * scale, LEAST], "float64")

    @tf.autograph.experimental.do_not_convert
    def one_step():
        with tf.GradientTape(persistent=True) as tape:
            losses = tf.unstack(toy_losses(theta.value, scale))
        jacobian = tf.stack([tape.gradient(loss, theta.value) for loss in losses])
        seen = tf.stack(losses) + least
        direction, _ = balancer.combine(seen, present, jacobian)
        optimizer.apply([direction], [theta])
        if balancer.looks_again:
            balancer.look_again(seen, toy_losses(theta.value, scale) + least, present)

    @tf.function
    def run(steps):
        for _ in tf.range(steps):
            one_step()

    path = [theta.numpy()]
    for count in np.diff(marks):
        run(tf.constant(count))
        path.append(theta.numpy())
    return np.array(path)


def plot_toy(
    balancers: Sequence = ("equal", "uncertainty_weighting"),
    path: str | os.PathLike | None = None,
    *,
    steps: int = 10_000,
    learning_rate: float = 5e-3,
    scale: float = 1.0,
    starts: Sequence = STARTS,
    overwrite: bool = False,
):
    """Draws the paths of balancers on the toy problem: contours of the mean loss, starts, ends, and the Pareto front.

    Args:
        balancers: names of balancers; or a dict of title to a function that makes one, for those with arguments.
        path: a PNG file to write, or None.
        steps: steps of Adam a path.
        learning_rate: of Adam.
        scale: as in `toy_losses`.
        starts: points (x, y) to start from.
        overwrite: whether a file that is there may be replaced.

    Returns:
        A `matplotlib.figure.Figure`, one panel a balancer.

    Raises:
        ValueError, TypeError: a balancer is unknown, or the file exists.

    Source: the figures of CAGrad, Nash-MTL and FAMO.

    >>> len(plot_toy(["equal"], steps=200).axes)
    1
    """
    from matplotlib.figure import Figure

    if path is not None:
        path = files.free_path("path", path, overwrite)
    makers = dict(balancers) if hasattr(balancers, "items") else {name: (lambda name=name: name) for name in balancers}
    for title, make in makers.items():
        balancing.get(make() if callable(make) else make)
        checks.instance("balancers", title, str, "names")
    columns = min(len(makers), 4)
    rows = -(-len(makers) // columns)
    figure = Figure(figsize=(3.2 * columns, 3.2 * rows), layout="constrained")
    axes = np.ravel(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True))
    for axis, (title, make) in zip(axes, makers.items(), strict=False):
        _panel(axis, scale)
        for start in starts:
            trail = toy_path(make(), start, steps=steps, learning_rate=learning_rate, scale=scale)
            axis.plot(*trail.T, color="tab:orange", linewidth=1.4)
            axis.plot(*trail[0], "o", color="black", markersize=4)
            axis.plot(*trail[-1], "*", color="tab:red", markersize=9, zorder=4)
        axis.set_title(title)
    for axis in axes[len(makers) :]:
        axis.remove()
    if path is not None:
        with files.aside(path) as new:
            figure.savefig(new, format="png", dpi=160)
    return figure


def _panel(axis, scale):
    grid = np.stack(np.meshgrid(np.linspace(-10.5, 10.5, 161), np.linspace(-10.5, 10.5, 161)), axis=-1)
    axis.contour(grid[..., 0], grid[..., 1], toy_losses(grid, scale).numpy().mean(axis=-1), levels=18, linewidths=0.6, cmap="Greys_r")
    (low, high), height = FRONT
    axis.plot([low, high], [height, height], color="tab:blue", linewidth=3, alpha=0.5, solid_capstyle="round")
    axis.set(xlim=(-10.5, 10.5), ylim=(-10.5, 10.5), xticks=(-10, 0, 10), yticks=(-10, 0, 10))


def _positive(values):
    """max(values, 0) whose gradient passes at 0, as the papers' code has it."""
    return tf.where(values >= 0, values, tf.zeros_like(values))
