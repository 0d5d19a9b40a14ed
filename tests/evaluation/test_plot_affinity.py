"""`plot_affinity`: numbers in their places, and a scale that they are read with."""

import sys

import numpy as np
import pytest

from mtlzoo.evaluation import plot_affinity


def cells(figure):
    """Text of the cells by row and column."""
    return {tuple(int(part) for part in text.get_position()[::-1]): text.get_text() for text in figure.axes[0].texts}


def test_rows_help_columns_and_the_diagonal_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    affinity = np.array([[9.0, 0.25, -0.5], [0.0, 9.0, 0.125], [0.75, -0.25, 9.0]])
    figure = plot_affinity(affinity, ["a", "b", "c"], tmp_path / "affinity.png")
    axis = figure.axes[0]
    assert cells(figure) == {(0, 1): ".25", (0, 2): "-.50", (1, 0): ".00", (1, 2): ".12", (2, 0): ".75", (2, 1): "-.25"}
    assert (axis.get_ylabel(), axis.get_xlabel(), axis.get_title()) == ("helping task", "helped task", "Affinity, + helps")
    assert axis.images[0].get_clim() == (-0.75, 0.75) and affinity[0, 0] == 9.0
    assert (tmp_path / "affinity.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_affinity(affinity, ["a", "b", "c"], tmp_path / "affinity.png")


@pytest.mark.parametrize(
    ("size", "title"), [(2e-5, "Affinity × 10⁵, + helps"), (4e4, "Affinity × 10⁻⁴, + helps"), (0.0, "Affinity, + helps")]
)
def test_small_and_large_affinities_are_scaled(size, title):
    figure = plot_affinity(np.full((2, 2), size))
    assert figure.axes[0].get_title() == title
    assert len(set(cells(figure).values())) == 1 and [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["task0", "task1"]


@pytest.mark.parametrize(
    ("affinity", "names", "words"), [([[0.0]], ["a"], "at least two"), ([[0, 1], [2, 0]], ["a"], "2 unlike names"), ([0, 1], None, "T, T")]
)
def test_bad_arguments_are_named(affinity, names, words):
    with pytest.raises(ValueError, match=words):
        plot_affinity(affinity, names)
