"""`plot_examples`: a picture of examples with their labels."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data._labels import check_known_tasks
from mtlzoo.data._peek import peeked
from mtlzoo.data.describe import label_of
from mtlzoo.task import Task, check_tasks


def plot_examples(mixture: tf.data.Dataset, tasks: Iterable[Task], path: str | None = None, *, count: int = 16, columns: int = 8):
    """Plots a grid of the first examples of a mixture, each with its labels above it; images as images, else as lines.

    Like `describe`, it does not use up an epoch.

    Args:
        mixture: `tf.data.Dataset` of batches `(x, {task: y}, {task: weight})`; of dict inputs all are shown below each other.
        tasks: tasks to show, among those of the mixture.
        path: None, or a file to save the figure to (PNG, PDF, …).
        count: most examples.
        columns: examples in a line.

    Returns:
        The `matplotlib.figure.Figure`, not shown on a screen.

    Raises:
        ValueError, TypeError: a task that is not in the mixture, count or columns below 1, no mixture.

    Source: `tfds.show_examples`.

    >>> from mtlzoo.data.aligned import aligned
    >>> task = Task.multiclass("digit", 3)
    >>> figure = plot_examples(aligned((np.zeros((4, 5, 5, 1)), {"digit": [0, 1, 1, -1]}), [task]), [task], count=2)
    >>> len(figure.axes)
    2
    """
    from matplotlib.figure import Figure

    tasks = check_tasks(tasks)
    count, columns = checks.integer("count", count, low=1), checks.integer("columns", columns, low=1)
    examples = _first(mixture, tasks, count)
    columns = min(columns, len(examples))
    lines, parts = -(-len(examples) // columns), len(examples[0][0])
    height = 1.3 * parts + 0.17 * len(tasks)
    figure = Figure(figsize=(1.5 * columns, height * lines + 0.2), layout="constrained")
    for number, (inputs, labels) in enumerate(examples):
        for part, (name, value) in enumerate(inputs.items()):
            place = (number // columns * parts + part) * columns + number % columns + 1
            axes = figure.add_subplot(lines * parts, columns, place)
            _draw(axes, value)
            axes.set_title(labels if part == 0 else name, fontsize=7)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def _first(mixture, tasks, count):
    """The first examples, as (inputs by name, words for the labels)."""
    examples = []
    for x, y, weights in peeked(mixture):
        check_known_tasks([task.name for task in tasks], [Task.binary(name) for name in y], "tasks")
        inputs = x if isinstance(x, dict) else {"x": x}
        for row in range(min(len(next(iter(inputs.values()))), count - len(examples))):
            labels = [f"{task.name} {_words(label_of(task, y, weights, row))}" for task in tasks]
            examples.append(({name: part[row] for name, part in inputs.items()}, "\n".join(labels)))
        if len(examples) == count:
            break
    return examples


def _draw(axes, value):
    axes.set_xticks([])
    axes.set_yticks([])
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        axes.text(0.5, 0.5, tf.compat.as_text(value.item())[:20], ha="center", va="center", fontsize=6)
    elif value.ndim in (2, 3) and (value.ndim == 2 or value.shape[-1] in (1, 3, 4)):
        image = np.squeeze(value, -1) if value.ndim == 3 and value.shape[-1] == 1 else value
        if image.ndim == 3 and image.dtype.kind == "f":
            image = (image - image.min()) / max(image.max() - image.min(), 1e-12)
        axes.imshow(image, cmap="gray")
    else:
        axes.plot(value.reshape(-1), linewidth=0.8)


def _words(label):
    if isinstance(label, list):
        return "".join(_words(entry) + " " for entry in label[:6]).strip() + (" …" if len(label) > 6 else "")
    return "–" if label is None else f"{label:.3g}"
