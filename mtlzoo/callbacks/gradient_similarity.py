"""`GradientSimilarity`: how the task gradients stand to each other, over a training."""

import itertools

import numpy as np

from mtlzoo.callbacks import _keys, _measuring
from mtlzoo.gradients import gradient_report


class GradientSimilarity(_measuring.Measuring):
    """Measures cosine and magnitude similarity of the task gradients on the shared parameters, over a training.

    It measures in training mode before the first step, and again after every n-th epoch or step, by `mtlzoo.gradients.gradient_report`
    on the same batches each time. Weights, statistics of layers and random states stay as they are: the training is that without it.

    The logs of every epoch get what was measured last: `mean_cosine` (of the gradients to their mean direction; about .7 and more:
    equal weights are likely enough, .3: balancing is likely to help), and for every pair of tasks `cosine_<one>_<other>`.

    Args:
        data: a `tf.data.Dataset` of batches `(x, {task: y}, {task: weight})`, or one such batch; weights may be left out. The batches are
            taken when the callback is made, and no epoch of a mixture is used up.
        every: after how many epochs or steps it measures again.
        unit: "epochs" or "steps"; with "steps", `fit` gives TensorFlow one step at a time.
        batches: how many batches a measurement is the mean over.
        log_pairs: whether the logs get the cosine of every pair, T(T − 1)/2 keys, too.

    Raises:
        ValueError, TypeError: an argument out of range, data of another form; before the first step: a model that shares no parameters,
            or has one task.

    Source: Yu et al. (PCGrad, NeurIPS 2020) for the measures; Gama and Grassi 2025 for the mean cosine.

    >>> from mtlzoo import Task, architectures
    >>> model = architectures.hard_sharing((2,), [Task.regression("a"), Task.regression("b")], trunk="mlp", seed=0)
    >>> x, y = np.ones((4, 2)), np.ones(4)
    >>> similarity = GradientSimilarity((x, {"a": y, "b": -y}))
    >>> _ = model.fit(x, {"a": y, "b": -y}, epochs=1, verbose=0, callbacks=[similarity])
    >>> list(similarity.frame.columns), similarity.cosines.shape
    (['step', 'task', 'other', 'cosine', 'magnitude_similarity'], (2, 2))
    """

    def __init__(self, data, *, every: int = 1, unit: str = "epochs", batches: int = 1, log_pairs: bool = True):
        super().__init__(data, every, unit, batches)
        self.log_pairs = bool(log_pairs)

    def added_logs(self, model) -> tuple[str, ...]:
        """Returns the keys that it adds to the logs of an epoch."""
        keys = _keys.of_cosines(model.tasks)
        return keys if self.log_pairs else keys[:1]

    def on_epoch_end(self, epoch, logs=None):
        """Measures after every n-th epoch, and adds what was measured last to the logs."""
        super().on_epoch_end(epoch, logs)
        if logs is not None:
            last = self._measured[-1]
            cosines = [last["cosine"][pair] for pair in _pairs(self.tasks)] if self.log_pairs else []
            logs.update(zip(self.added_logs(self.model), map(float, (last["mean_cosine"], *cosines)), strict=True))

    @property
    def cosines(self) -> np.ndarray:
        """Cosines of the task gradients, the mean over all measurements, [T, T]; NaN for tasks that never had labels together."""
        return self.mean("cosine")

    @property
    def magnitude_similarity(self) -> np.ndarray:
        """2·‖g_i‖·‖g_j‖ / (‖g_i‖² + ‖g_j‖²), the mean over all measurements, [T, T]; 1 for equal norms."""
        return self.mean("magnitude_similarity")

    @property
    def mean_cosines(self) -> np.ndarray:
        """Mean cosine of the gradients to their mean direction, one for each of `steps`."""
        return np.array([measured["mean_cosine"] for measured in self._measured])

    @property
    def frame(self):
        """A `pandas.DataFrame` with a row for each measurement and pair: step, task, other, cosine, magnitude_similarity."""
        return self.rows(_pairs(self.tasks), ("task", "other"), ("cosine", "magnitude_similarity"))

    def measure(self) -> dict:
        """Returns cosines and magnitude similarity [T, T] and the mean cosine, the means over the batches."""
        found = {"cosine": [], "magnitude_similarity": [], "mean_cosine": []}
        for batch in self.batches:
            report = gradient_report(self.model, batch)
            places = [self.tasks.index(name) for name in report.tasks]
            for name, values in (("cosine", report.cosines), ("magnitude_similarity", report.magnitude_similarity)):
                matrix = np.full((len(self.tasks),) * 2, np.nan)
                matrix[np.ix_(places, places)] = values
                found[name].append(matrix)
            found["mean_cosine"].append(report.mean_cosine)
        return {name: _measuring.mean(values) for name, values in found.items()}


def _pairs(tasks):
    return list(itertools.combinations(range(len(tasks)), 2))
