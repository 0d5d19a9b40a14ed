"""Histories as tables and CSV."""

import csv
import math

import keras
import pytest

from mtlzoo import Task
from mtlzoo.evaluation import best_epochs, history_frame, save_history
from mtlzoo.evaluation.history import columns

HISTORY = {"val_loss": [1.5, 0.75], "loss": [1.0, 0.5], "val_digit_accuracy": [0.5, 0.6], "digit_accuracy": [0.4, 0.3]}


def test_the_frame_has_a_row_an_epoch_from_0_and_training_before_validation():
    frame = history_frame(HISTORY)
    assert list(frame.index) == [0, 1] and frame.index.name == "epoch"
    assert list(frame.columns) == ["loss", "digit_accuracy", "val_loss", "val_digit_accuracy"]
    assert frame["val_loss"].tolist() == [1.5, 0.75]


def test_a_keras_history_is_taken_as_its_dict():
    history = keras.callbacks.History()
    history.history = HISTORY
    assert columns(history) == columns(HISTORY)


def test_csv_reads_back_and_is_not_overwritten_without_a_word(tmp_path):
    path = save_history(HISTORY | {"val_loss": [math.nan, 0.75]}, tmp_path / "new" / "history.csv")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert [float(row["loss"]) for row in rows] == [1.0, 0.5]
    assert rows[0]["val_loss"] == ""
    with pytest.raises(ValueError, match="overwrite=True"):
        save_history({"loss": [9.0]}, path)
    save_history({"loss": [9.0]}, path, overwrite=True)
    assert path.read_text() == "epoch,loss\n0,9.0\n"
    assert [file.name for file in path.parent.iterdir()] == ["history.csv"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save_history(HISTORY, tmp_path / "history.csv")
    before = path.read_bytes()

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save_history({"loss": [9.0]}, path, overwrite=True)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_best_epoch_is_that_of_the_validation_metric_in_its_direction():
    tasks = [Task.multiclass("digit", 10), Task.regression("price")]
    found = HISTORY | {"price_mae": [1.0, 2.0], "price_loss": [2.0, 1.0]}
    assert best_epochs(found, tasks) == {"digit": 1, "price": 0}
    assert best_epochs(found | {"price_mae": [math.nan, math.nan]}, tasks) == {"digit": 1}
    with pytest.raises(ValueError, match="price_mae"):
        best_epochs(HISTORY, tasks)


def test_rarer_validation_needs_its_frequency():
    history = {"loss": [3.0, 2.0, 1.0], "val_loss": [1.0]}
    with pytest.raises(ValueError, match="validation_freq"):
        columns(history)
    values = columns(history, validation_freq=2)["val_loss"]
    assert values[1] == 1.0 and math.isnan(values[0]) and math.isnan(values[2])


@pytest.mark.parametrize(("history", "error"), [({}, ValueError), ({"loss": []}, ValueError), ([1.0], TypeError)])
def test_no_history_is_an_error(history, error):
    with pytest.raises(error, match="`history` must"):
        history_frame(history)
