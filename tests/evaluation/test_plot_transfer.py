"""`plot_transfer`: a bar and an interval a task."""

import math
import sys

import pytest

from mtlzoo import Task
from mtlzoo.evaluation import plot_transfer, transfer

TASKS = [Task.regression(name) for name in ("gains", "loses", "open", "noise", "failed")]
MULTI = {"gains": [1.0, 1.1, 1.05], "loses": [3.0, 3.1, 3.2], "open": [2.0, 2.4, 1.9], "noise": [5.0, 5.2, 5.1], "failed": [math.nan] * 3}
SINGLE = {name: [2.0, 2.1, 2.2] for name in MULTI} | {"noise": [5.0, 5.1, 5.2]}
CHANCE = {f"{name}_mae": 5.0 for name in MULTI}


def test_bars_have_the_changes_intervals_and_verdicts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    found = transfer(MULTI, SINGLE, TASKS, chance=CHANCE)
    assert list(found.verdicts.values()) == ["positive", "negative", "undecided", "unlearnable", "undecided"]
    figure = plot_transfer(found, tmp_path / "transfer.png")
    axis = figure.axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([*list(found.changes.values())[:4], 0.0])
    assert [label.get_text() for label in axis.get_yticklabels()] == list(MULTI)
    spans = [line.get_segments()[0][:, 0] for line in axis.collections]
    assert [(high - low) / 2 for low, high in spans] == pytest.approx([found.halves[name] for name in list(MULTI)[:4]])
    assert [text.get_text() for text in figure.legends[0].texts] == ["positive", "negative", "undecided", "unlearnable"]
    assert axis.texts[-1].get_text() == "no change can be told"
    assert (tmp_path / "transfer.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_transfer(found, tmp_path / "transfer.png")
    plot_transfer(found, tmp_path / "transfer.png", overwrite=True)


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="evaluation.transfer"):
        plot_transfer({"a": 1.0})
