"""`TensorBoard`: Keras' callback, with the curves of a task together and pictures of what is shared."""

import os

import keras
import numpy as np

from mtlzoo import checks
from mtlzoo.callbacks import _keys
from mtlzoo.evaluation import plot_sharing
from mtlzoo.model import MultiTaskModel


class TensorBoard(keras.callbacks.TensorBoard):
    """Writes a training for TensorBoard: `task/<task>/loss`, `…/<metric>`, `…/alpha` and `…/weight`, and what belongs to no task.

    It is Keras' callback with other names: what that calls `epoch_left_loss` stands under `task/left/loss`, and is written once. The
    training is the run `train`, the validation the run `validation`. On top come the alphas of every epoch; `gradients/mean_cosine` and
    `gradients/cosine_<one>_<other>` if a `GradientSimilarity` stands in front of it in the list; `epoch_delta_m` if a `DeltaM` does; and
    `sharing`, a picture of the matrices that the architecture has learnt. `evaluate` writes `evaluation/<task>/<metric>` against the steps
    trained. Look at it with `tensorboard --logdir <log_dir>` at http://localhost:6006 (`%tensorboard --logdir <log_dir>` in a notebook,
    after `%load_ext tensorboard`). Give every training a folder of its own beneath a common one, and TensorBoard compares them.

    Args:
        log_dir: folder to write to, made if need be.
        histogram_freq: epochs between histograms of all weights; 0 for none.
        write_images: whether weights are written as images, too, with the histograms.
        write_steps_per_second: whether the speed is written, too.
        update_freq: "epoch", or "batch" or a number of steps to write values in between, as `batch/<task>/<metric>`.
        profile_batch: step to profile, or a pair of first and last; 0 for none.
        sharing_every: epochs between pictures of what is shared (see `mtlzoo.evaluation.plot_sharing`); 0 for none.
        sharing_inputs: inputs as the model reads them, [rows, ...] or a dict of these, which gates are averaged over.

    Raises:
        ValueError, TypeError: an argument out of range; before the first step: a model that has learnt nothing about sharing, or gates
            that need `sharing_inputs`.

    Source: `keras.callbacks.TensorBoard`.

    >>> import tempfile
    >>> from mtlzoo import Task, architectures
    >>> folder = tempfile.mkdtemp()
    >>> model = architectures.hard_sharing((2,), [Task.regression("left"), Task.regression("right")], trunk="mlp")
    >>> x, y = np.ones((4, 2)), np.ones(4)
    >>> _ = model.fit(x, {"left": y, "right": y}, verbose=0, callbacks=[TensorBoard(folder)])
    >>> os.listdir(folder)
    ['train']
    """

    writes_logs = True

    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        *,
        histogram_freq: int = 0,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | tuple[int, int] = 0,
        sharing_every: int = 0,
        sharing_inputs=None,
    ):
        self.sharing_every = checks.integer("sharing_every", sharing_every, low=0)
        if sharing_inputs is not None and not self.sharing_every:
            raise ValueError("`sharing_every` must be at least 1 where there are `sharing_inputs`; received 0.")
        if not isinstance(update_freq, int):
            checks.one_of("update_freq", update_freq, ["epoch", "batch"])
        self.sharing_inputs = sharing_inputs
        super().__init__(
            os.fspath(log_dir),
            histogram_freq=checks.integer("histogram_freq", histogram_freq, low=0),
            write_graph=False,  # Keras 3 has none to write for a model of several outputs.
            write_images=write_images,
            write_steps_per_second=write_steps_per_second,
            update_freq=update_freq,
            profile_batch=profile_batch,
        )

    def set_model(self, model):
        """Takes the model whose training is written."""
        checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel; use keras.callbacks.TensorBoard for others")
        super().set_model(model)
        self._tags, self._in_fit = _keys.tags(model.tasks), False

    def on_train_begin(self, logs=None):
        """Checks before the first step that there is something to draw."""
        if self.sharing_every:
            self.model.sharing(self.sharing_inputs)
        self._in_fit = True
        super().on_train_begin(logs)

    def on_train_end(self, logs=None):
        """Closes the files."""
        self._in_fit = False
        super().on_train_end(logs)

    def on_train_batch_end(self, batch, logs=None):
        """Writes the values of a step, if they are asked for."""
        training, _, others = self._sorted(logs)
        super().on_train_batch_end(batch, others)
        if self.update_freq != "epoch":
            self._write({tag.replace("task/", "batch/", 1): value for tag, value in training.items()}, self._global_train_batch)

    def on_test_end(self, logs=None):
        """Writes the results of an evaluation against the steps trained; those of a validation are written with its epoch."""
        found, _, others = self._sorted(logs)
        if not self._in_fit:
            with self.summary.record_if(True), self._val_writer.as_default():
                step = self.model.optimizer.iterations
                self._write({tag.replace("task/", "evaluation/", 1): value for tag, value in found.items()}, step)
        super().on_test_end(others)
        self._val_writer.flush()

    def on_epoch_end(self, epoch, logs=None):
        """Writes the logs of the epoch, the alphas, and what is shared."""
        training, validation, others = self._sorted(logs)
        training |= {self._tags[f"{name}_alpha"]: alpha for name, alpha in self.model.alphas.items()}
        with self.summary.record_if(True):  # An `update_freq` is for what is written in between.
            with self._train_writer.as_default():
                self._write(training, epoch)
                if self.sharing_every and (epoch + 1) % self.sharing_every == 0:
                    self.summary.image("sharing", _picture(plot_sharing(self.model, self.sharing_inputs)), step=epoch)
            if validation:
                with self._val_writer.as_default():
                    self._write(validation, epoch)
            super().on_epoch_end(epoch, others)

    def _sorted(self, logs):
        """Values of tasks and gradients by tag, those of the training and those of the validation, and all other logs by key."""
        training, validation, others = {}, {}, {}
        for key, value in (logs or {}).items():
            plain = key.removeprefix("val_")
            if key in self._tags:
                training[self._tags[key]] = value
            elif plain in self._tags:
                validation[self._tags[plain]] = value
            else:
                others[key] = value
        return training, validation, others

    def _write(self, values, step):
        for tag, value in values.items():
            self.summary.scalar(tag, value, step=step)


def _picture(figure):
    """A figure as [1, height, width, 4], uint8."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[np.newaxis]
