"""What the callbacks that measure at times have in common: when they do, on what, and that the training does not notice."""

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo._sharing import Sharing
from mtlzoo.callbacks import _batches
from mtlzoo.model import MultiTaskModel


class Measuring(keras.callbacks.Callback):
    """A callback that measures before the first step and then after every n-th epoch or step.

    A subclass gives `measure()`, which returns matrices [T, T] by name, NaN where a pair was not measured.

    Args:
        data: where the batches are from, see `_batches.taken`.
        every: after how many epochs or steps it measures again.
        unit: "epochs" or "steps".
        batches: how many batches a measurement is the mean over.
    """

    def __init__(self, data, every, unit, batches):
        super().__init__()
        self.every = checks.integer("every", every, low=1)
        self.unit = checks.one_of("unit", unit, ["epochs", "steps"])
        self.batches = _batches.taken(data, batches)
        self.takes_several_steps = unit == "epochs"
        self.tasks, self.steps, self._measured = (), [], []

    def on_train_begin(self, logs=None):
        """Checks the model and measures before the first step."""
        name = type(self).__name__
        model = checks.instance("model", self.model, MultiTaskModel, f"a mtlzoo.MultiTaskModel for {name} to watch")
        names = tuple(task.name for task in model.tasks)
        if self.tasks and names != self.tasks:
            raise ValueError(f"{name} has measured the tasks {self.tasks} and cannot go on with {names}; make a new one.")
        if len(names) < 2:
            raise ValueError(f"`model` must have at least two tasks for {name} to compare; received {names}.")
        if not Sharing(model).shared:
            raise ValueError(f"`model` must share parameters between its tasks for {name} to look at; this one shares none.")
        self.tasks = names
        self._measure()

    def on_train_batch_end(self, batch, logs=None):
        """Measures after every n-th step."""
        if self.unit == "steps" and self._step() // self.every > self.steps[-1] // self.every:
            self._measure()

    def on_epoch_end(self, epoch, logs=None):
        """Measures after every n-th epoch."""
        if self.unit == "epochs" and (epoch + 1) % self.every == 0:
            self._measure()

    def _step(self):
        return int(tf.convert_to_tensor(self.model.optimizer.iterations))

    def _measure(self):
        step = self._step()
        if not self.steps or step != self.steps[-1]:
            self._measured.append(self.measure())
            self.steps.append(step)

    def mean(self, name):
        """Returns the mean of a matrix over all measurements; NaN for a pair that was never measured."""
        if not self._measured:
            raise ValueError(f"{type(self).__name__} has measured nothing yet: hand it to the callbacks of `fit` first.")
        return mean([measured[name] for measured in self._measured])

    def rows(self, pairs, names, columns):
        """Returns a `pandas.DataFrame` with a row for each measurement and pair.

        Args:
            pairs: (row, column) of the matrices, in order.
            names: names of the columns for the two tasks of a pair.
            columns: names of the matrices.
        """
        import pandas as pd

        made = {"step": [step for step in self.steps for _ in pairs]}
        for side, name in enumerate(names):
            made[name] = [self.tasks[pair[side]] for _ in self.steps for pair in pairs]
        for column in columns:
            made[column] = [float(measured[column][pair]) for measured in self._measured for pair in pairs]
        return pd.DataFrame(made)


def mean(matrices):
    """Returns the mean of matrices entry by entry, leaving out NaN; NaN where there is nothing else."""
    stacked = np.array(matrices, "float64")
    there = np.isfinite(stacked)
    counts, sums = there.sum(0), np.where(there, stacked, 0.0).sum(0)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
