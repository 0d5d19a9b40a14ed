"""`plot_front`: the area that is drawn is the hypervolume, and lines stand with their better end on top."""

import math
import sys

import numpy as np
import pytest

from mtlzoo.evaluation import hypervolume, plot_front, reference_point


def area(polygon):
    """Area of a polygon [n, 2] by the shoelace formula."""
    x, y = np.asarray(polygon).T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


@pytest.mark.parametrize("better", [("min", "min"), ("max", "min"), ("min", "max"), ("max", "max")])
def test_the_area_of_two_tasks_is_the_hypervolume(rng, better):
    points = rng.normal(size=(25, 2))
    for reference in (reference_point(points, better), np.zeros(2)):
        axis = plot_front(points, ["a", "b"], better, reference=reference).axes[0]
        drawn = sum(area(patch.get_xy()) for patch in axis.patches)
        assert drawn == pytest.approx(hypervolume(points, reference, better)) and drawn > 0


def test_points_labels_and_directions_are_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    points = [[0.9, 3.0], [0.8, 2.0], [0.7, 4.0]]
    figure = plot_front(points, ["digit", "price"], ["max", "min"], tmp_path / "front.png", labels=["one", "two", "behind"])
    axis = figure.axes[0]
    behind, front = (scatter.get_offsets().tolist() for scatter in axis.collections[:2])
    assert behind == points[2:] and front == points[:2]
    assert [text.get_text() for text in axis.texts] == ["one", "two"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("digit ↑", "price ↓")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_front(points, ["digit", "price"], ["max", "min"], tmp_path / "front.png")


def test_more_tasks_have_a_line_a_model_with_the_best_on_top():
    points = [[0.9, 3.0, 5.0], [0.8, 2.0, 5.0], [0.7, 4.0, 5.0]]
    figure = plot_front(points, ["a", "b", "c"], ["max", "min", "min"], labels=["one", "two", "behind"])
    axis = figure.axes[0]
    lines = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 3]
    assert [pytest.approx(line) for line in ([0.0, 0.0, 0.5], [1.0, 0.5, 0.5], [0.5, 1.0, 0.5])] == lines
    assert [text.get_text() for text in axis.get_legend().texts] == ["one", "two"]
    assert [text.get_text() for text in axis.texts] == ["0.9", "0.7", "2", "4", "5", "5"]
    assert axis.get_title().startswith("2 of 3 on the front, hypervolume ")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"names": ["a"]}, ValueError, "each of the 2 tasks; received 1"),
        ({"names": ["a", 2]}, TypeError, "`names` must be strings"),
        ({"labels": ["one"]}, ValueError, "each of the 2 points"),
        ({"points": [[1.0, math.inf], [0.0, 1.0]]}, ValueError, "finite"),
        ({"points": [[1.0, math.inf], [0.0, 1.0]], "reference": [2.0, 2.0]}, ValueError, "finite"),
        ({"points": [[1.0], [0.0]], "names": ["a"], "better": ["min"]}, ValueError, "at least two tasks"),
        ({"points": []}, ValueError, "at least one"),
        ({"reference": [1.0]}, ValueError, "`reference` must be"),
    ],
)
def test_bad_arguments_are_named(change, error, words):
    with pytest.raises(error, match=words):
        plot_front(**{"points": [[1.0, 2.0], [2.0, 1.0]], "names": ["a", "b"], "better": ["min", "min"], **change})
