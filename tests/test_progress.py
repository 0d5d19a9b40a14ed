"""The progress bar."""

import io

import keras
import numpy as np
from rich.console import Console

import mtlzoo
from mtlzoo import Task
from mtlzoo.progress import ProgressBar


def test_shows_epochs_and_main_metrics():
    tasks = [Task.binary("click"), Task.regression("price")]
    model = mtlzoo.architectures.hard_sharing((4,), tasks, trunk="mlp", seed=0)
    console = Console(file=io.StringIO(), force_terminal=True, width=150)
    x, y = np.ones((20, 4)), {"click": np.arange(20) % 2, "price": np.ones(20)}
    bar = ProgressBar("my model", tasks, console)
    model.fit(x, y, validation_data=(x, y), epochs=3, batch_size=5, verbose=0, callbacks=[bar])
    shown = console.file.getvalue()
    assert "my model" in shown and "epoch 3/3" in shown and "click auc 0.5" in shown and "price mae" in shown
    assert bar.bar is None


def test_falls_back_to_training_metrics():
    assert ProgressBar("m", [Task.regression("p")]).summary({"p_mae": 1.0}) == "p mae 1.000"


def test_stops_after_an_error():
    class Broken(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError

    model = mtlzoo.architectures.hard_sharing((4,), [Task.regression("p")], trunk="mlp")
    bar = ProgressBar("m", model.tasks, Console(file=io.StringIO()))
    try:
        model.fit(np.ones((4, 4)), {"p": np.ones(4)}, verbose=0, callbacks=[bar, Broken()])
    except RuntimeError:
        bar.stop()
    assert bar.bar is None
