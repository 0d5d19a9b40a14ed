"""`TaskAffinity`: how much a step on one task lowers the loss of another, over a training."""

import itertools

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.callbacks import _measuring
from mtlzoo.callbacks._lookahead import Lookahead


class TaskAffinity(_measuring.Measuring):
    """Measures inter-task affinity over a training: the share by which a gradient step on task i alone lowers the loss of task j.

    Z_{i→j} = 1 − L_j(θ_s − η·∂L_i/∂θ_s, θ_j) / L_j(θ_s, θ_j) on the same batch, with θ_s the shared parameters and θ_j those of task j;
    above 0 where task i helps task j. It is a real step, not a cosine, and is averaged over all measurements: before the first step,
    and after every n-th epoch or step. A pair of which a task has no label in a batch takes no part in the mean there.

    The step looked ahead is one of plain gradient descent, on the loss without alpha and in training mode, with the same dropout
    before and after. No weight, statistic or random state is touched: the training is that without it. A measurement takes T backward
    and T + 1 forward passes a batch, in one function that is traced once, and memory for T gradients of the shared parameters.

    Args:
        data: a `tf.data.Dataset` of batches `(x, {task: y}, {task: weight})`, or one such batch; weights may be left out. The batches are
            taken when the callback is made, and no epoch of a mixture is used up.
        every: after how many epochs or steps it measures again.
        unit: "epochs" or "steps"; with "steps", `fit` gives TensorFlow one step at a time.
        batches: how many batches a measurement is the mean over.
        learning_rate: η, or None for the optimizer's own, as it is at the time.

    Raises:
        ValueError, TypeError: an argument out of range, data of another form; before the first step: a model that shares no parameters,
            or has one task, or an optimizer without a learning rate.

    Source: Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning" (TAG, NeurIPS 2021).

    >>> from mtlzoo import Task, architectures
    >>> model = architectures.hard_sharing((2,), [Task.regression("a"), Task.regression("b")], trunk="mlp", seed=0)
    >>> x, y = np.ones((4, 2)), np.ones(4)
    >>> affinity = TaskAffinity((x, {"a": y, "b": y}))
    >>> _ = model.fit(x, {"a": y, "b": y}, epochs=1, verbose=0, callbacks=[affinity])
    >>> affinity.matrix.shape, list(affinity.frame.columns), affinity.steps
    ((2, 2), ['step', 'source', 'target', 'affinity'], [0, 1])
    """

    def __init__(self, data, *, every: int = 1, unit: str = "epochs", batches: int = 1, learning_rate: float | None = None):
        super().__init__(data, every, unit, batches)
        if learning_rate is not None:
            checks.number("learning_rate", learning_rate, low=0, strict=True)
        self.learning_rate, self._lookahead = learning_rate, None

    def on_train_begin(self, logs=None):
        """Checks model and optimizer and measures before the first step."""
        if self.learning_rate is None and not hasattr(self.model.optimizer, "learning_rate"):
            raise ValueError(f"`learning_rate` must be given: the optimizer {type(self.model.optimizer).__name__} has none of its own.")
        super().on_train_begin(logs)

    @property
    def matrix(self) -> np.ndarray:
        """Affinity of task i (row) for task j (column), the mean over all measurements, [T, T]; NaN for a pair without common labels."""
        return self.mean("affinity")

    @property
    def frame(self):
        """A `pandas.DataFrame` with a row for each measurement and pair: step, source, target, affinity."""
        count = range(len(self.tasks))
        return self.rows(list(itertools.product(count, count)), ("source", "target"), ("affinity",))

    def measure(self) -> dict:
        """Returns the affinities [T, T], the mean over the batches."""
        if self._lookahead is None or self._lookahead.task_losses is not self.model.task_losses:  # Compiled anew, too.
            self._lookahead = Lookahead(self.model, self.batches[0])
        rate = self.learning_rate
        if rate is None:
            rate = float(tf.convert_to_tensor(self.model.optimizer.learning_rate))
        return {"affinity": _measuring.mean([self._lookahead(batch, rate) for batch in self.batches])}
