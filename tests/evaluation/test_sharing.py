"""Heat maps of what was learnt about sharing."""

import sys

import numpy as np
import pytest

from mtlzoo import Task, architectures, trunks
from mtlzoo.evaluation import plot_sharing

TASKS = [Task.binary("click"), Task.regression("price"), Task.binary("like")]


def stitched():
    model = architectures.cross_stitch((4,), TASKS, trunk=trunks.mlp((3, 3)), seed=0)
    units = model.get_layer("dense1_stitch").units
    units.assign(units - 0.1)
    return model


def test_every_matrix_is_a_map_with_names_and_numbers(tmp_path):
    path = tmp_path / "sharing.png"
    model = stitched()
    figure = plot_sharing(model, path=path)
    assert [axis.get_title() for axis in figure.axes] == ["dense1_stitch", "dense2_stitch"]
    for axis in figure.axes:
        assert [label.get_text() for label in axis.get_yticklabels()] == ["click", "price", "like"]
        np.testing.assert_allclose(axis.images[0].get_array(), model.sharing()[axis.get_title()], rtol=1e-6)
    assert [text.get_text() for text in figure.axes[0].texts[:2]] == [".80", "-.05"]
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000
    with pytest.raises(ValueError, match="overwrite=True"):
        plot_sharing(model, path=path)


def test_zero_is_white_and_more_is_bluer_in_every_map():
    first, second = (axis.images[0] for axis in plot_sharing(stitched()).axes)
    for image in (first, second):
        white, blue = image.cmap(image.norm(0.0)), image.cmap(image.norm(0.9))
        assert min(white[:3]) > 0.9 and blue[2] > blue[0] + 0.2


def test_many_tasks_have_a_scale_in_the_place_of_numbers(rng):
    tasks = [Task.binary(f"t{index}") for index in range(12)]
    model = architectures.mmoe((4,), tasks, trunk=trunks.mlp((3,)), experts=16, seed=0)
    figure = plot_sharing(model, rng.normal(size=(5, 4)).astype("float32"))
    assert len(figure.axes) == 2 and not figure.axes[0].texts
    assert figure.get_figwidth() > 7


def test_missing_inputs_are_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    model = architectures.mmoe((4,), TASKS, trunk="mlp")
    with pytest.raises(ValueError, match="`x` must be given"):
        plot_sharing(model, path=tmp_path / "sharing.png")
    assert not list(tmp_path.iterdir())


def test_of_many_channels_some_have_a_name(rng):
    model = architectures.mtan((4,), TASKS, trunk=trunks.mlp((60,)), seed=0)
    axis = plot_sharing(model, rng.normal(size=(5, 4)).astype("float32")).axes[0]
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == [str(place) for place in range(0, 60, 3)] and not axis.texts
    assert axis.get_aspect() == "auto"
    # The few rows are no smaller for the many columns.
    assert [axis.get_yticklabels()[0].get_fontsize(), axis.get_xticklabels()[0].get_fontsize()] == [8, 6]
