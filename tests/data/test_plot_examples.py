import numpy as np
import pytest

from mtlzoo import Task
from mtlzoo.data import aligned, plot_examples

TASKS = [Task.multiclass("a", 3), Task.regression("b", 2)]


def make(x):
    return aligned((x, {"a": [0, 1, -1], "b": [[1.5, np.nan]] * 3}), TASKS, shuffle=False)


@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 1), (5, 5, 3), (5,), (2, 2, 2)])
def test_every_example_is_drawn_with_its_labels(shape, tmp_path):
    figure = plot_examples(make(np.random.default_rng(0).random((3, *shape))), TASKS, tmp_path / "grid.png", columns=2)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["a 0\nb 1.5 –", "a 1\nb 1.5 –", "a –\nb 1.5 –"]
    assert (tmp_path / "grid.png").stat().st_size > 1000


def test_all_inputs_of_an_example_are_drawn():
    figure = plot_examples(make({"u": np.zeros((3, 4, 4)), "v": np.array(["x", "y", "z"])}), TASKS, count=2)
    assert len(figure.axes) == 4


def test_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'a'"):
        plot_examples(make(np.zeros((3, 2))), [Task.binary("aa")])
