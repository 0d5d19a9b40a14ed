"""Pictures: what is drawn, and that files are whole PNGs."""

import sys

import pytest

from mtlzoo import Task
from mtlzoo.evaluation import compare, plot_history, plot_report

TASKS = [Task.multiclass("digit", 10), Task.regression("price"), Task.regression("lone", metrics=[])]
HISTORY = {
    key: [3.0, 2.0, 1.0]
    for name in ("loss", "digit_loss", "digit_accuracy", "price_loss", "price_mae", "lone_loss")
    for key in (name, f"val_{name}")
}
RESULTS = {
    name: {"digit_accuracy": 0.9 + shift, "price_mae": 2.0 - shift, "lone_loss": 1.0 + shift}
    for name, shift in {"shared": 0.05, "single": 0.0, "other": -0.05}.items()
}


def test_history_draws_training_and_validation_of_every_loss_and_main_metric(tmp_path):
    path = tmp_path / "curves.png"
    figure = plot_history(HISTORY, TASKS, path)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["Total loss Σ α·L", "digit: loss", "digit: accuracy ↑", "price: loss", "price: mae ↓", "lone: loss"]
    for axis in figure.axes:
        assert [list(line.get_ydata()) for line in axis.lines] == [[3.0, 2.0, 1.0]] * 2
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_history(HISTORY, TASKS, path)


def test_weights_alphas_and_many_tasks_have_room():
    tasks = [Task.regression(f"t{index}", metrics=["mae"]) for index in range(6)]
    history = {"loss": [1.0]} | {f"{task.name}_{key}": [1.0] for task in tasks for key in ("loss", task.monitor[0], "weight")}
    figure = plot_history(history | {"t0_alpha": [0.5]}, tasks)
    assert figure.axes[-1].get_title() == "Balancer weights and alphas"
    assert len(figure.axes) == 1 + 2 * 6 + 1 and figure.get_figheight() > figure.get_figwidth()


def test_report_draws_every_model_a_task_and_the_changes_with_delta_m(tmp_path):
    figure = plot_report(compare(RESULTS, TASKS, baseline="single"), tmp_path / "report.png")
    *panels, changes = figure.axes
    assert [[bar.get_height() for bar in axis.patches] for axis in panels][0] == pytest.approx([0.95, 0.9, 0.85])
    assert [label.get_text() for label in changes.get_xticklabels()] == ["digit", "price", "lone", "Δm"]
    assert len(changes.patches) == 2 * 4
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_baseline_there_are_no_changes():
    assert len(plot_report(compare(RESULTS, TASKS)).axes) == len(TASKS)


def test_a_history_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="must hold 'price_loss'"):
        plot_history({key: value for key, value in HISTORY.items() if key != "price_loss"}, TASKS)


def test_pyplot_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    plot_history(HISTORY, TASKS, tmp_path / "curves.png")
    plot_report(compare(RESULTS, TASKS, baseline="single"), tmp_path / "report.png")
