"""`plot_grouping`: who serves and who helps, by colour and number."""

import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mtlzoo.evaluation import group_tasks, plot_grouping


def test_served_and_helping_tasks_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    affinity = np.zeros((3, 3))
    affinity[0, 1], affinity[1, 0] = 1.0, -1.0
    found = group_tasks(affinity, 2, names=["a", "b", "c"])
    figure = plot_grouping(found, tmp_path / "grouping.png")
    axis = figure.axes[0]
    colours = np.array([to_hex(patch.get_facecolor()) for patch in axis.patches]).reshape(2, 3)
    dark, light, none = "#1f77b4", "#c6dbef", "#f4f4f4"
    assert found.served == (("a", "c"), ("b",)) and found.groups == (("a", "c"), ("a", "b"))
    assert colours.tolist() == [[dark, none, dark], [light, dark, none]]
    assert [text.get_text() for text in axis.texts] == ["+0", "+0", "+1"]
    assert axis.get_title() == "Total gain +1, cost 2 of 2"
    assert (tmp_path / "grouping.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_grouping(found, tmp_path / "grouping.png")


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="group_tasks"):
        plot_grouping([["a", "b"]])
