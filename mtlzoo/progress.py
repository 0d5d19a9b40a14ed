"""`ProgressBar`: a Keras callback with one bar for a whole training, and each task's main metric beside it."""

from collections.abc import Sequence

import keras

from mtlzoo.task import Task


class ProgressBar(keras.callbacks.Callback):
    """Shows one bar over all steps of `fit`, with the validation value of each task's main metric after every epoch.

    Use it with `fit(verbose=0)`.

    Args:
        title: what is trained, in front of the bar.
        tasks: the tasks whose main metrics are shown.
        console: a `rich.console.Console` to write to; None for standard error.

    Source: rich's progress display.

    >>> bar = ProgressBar("hard_sharing", [Task.binary("click")])
    >>> bar.summary({"val_click_auc": 0.75})
    'click auc 0.750'
    """

    takes_several_steps = True

    def __init__(self, title: str, tasks: Sequence[Task], console=None):
        super().__init__()
        self.title, self.tasks, self.console = title, tuple(tasks), console
        self.bar = None

    def summary(self, logs: dict) -> str:
        """Returns the main metrics of an epoch as a line: of the validation if there was one."""
        found = {task: logs.get(f"val_{task.monitor_key}", logs.get(task.monitor_key)) for task in self.tasks}
        return "  ".join(f"{task.name} {task.monitor[0]} {value:.3f}" for task, value in found.items() if value is not None)

    def on_train_begin(self, logs=None):
        """Draws the empty bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("epoch {task.fields[epoch]}"), TimeElapsedColumn()]
        self.bar = Progress(*columns, TextColumn("{task.fields[metrics]}"), console=self.console or Console(stderr=True))
        steps, self.epochs = self.params.get("steps"), self.params["epochs"]
        total = steps * self.epochs if steps else None
        self.row = self.bar.add_task(self.title, total=total, epoch=f"0/{self.epochs}", metrics="")
        self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        steps = self.params.get("steps")
        done = self.epoch * (steps or 0) + (min(batch + 1, steps) if steps else batch + 1)
        self.bar.update(self.row, completed=done)

    def on_epoch_begin(self, epoch, logs=None):
        """Shows the epoch."""
        self.epoch = epoch
        self.bar.update(self.row, epoch=f"{epoch + 1}/{self.epochs}")

    def on_epoch_end(self, epoch, logs=None):
        """Shows the epoch's main metrics."""
        self.bar.update(self.row, metrics=self.summary(logs or {}))

    def on_train_end(self, logs=None):
        """Leaves the finished bar on the screen."""
        self.stop()

    def stop(self):
        """Ends the display, also after an error."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
