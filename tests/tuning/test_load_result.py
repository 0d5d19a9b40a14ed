"""Results read from their folder."""

import json

import pytest

from mtlzoo import tuning
from tests.tuning import toy


def test_the_folder_holds_all_but_data_and_functions(tmp_path):
    result = toy.search(tmp_path / "s", max_trials=2)
    loaded = tuning.load_result(tmp_path / "s")
    assert loaded.trials.equals(result.trials) and loaded.tasks == result.tasks == tuple(toy.tasks())
    assert loaded.objective == "-zero_mse - one_mse" and loaded.baseline is None and loaded.best == result.best
    with pytest.raises(ValueError, match="`builder` must be given"):
        loaded.best_model(toy.DATA)
    model = tuning.load_result(tmp_path / "s", builder=toy.build).best_model(toy.DATA, epochs=1)
    assert model.evaluate(toy.DATA, return_dict=True, verbose=0)["zero_mse"] == pytest.approx(result.best["metrics"]["zero_mse"])


def test_what_is_no_search_is_refused(tmp_path):
    for content in (None, "{"):
        if content:
            (tmp_path / "search.json").write_text(content)
        with pytest.raises(ValueError, match="`folder` must be the folder of a search"):
            tuning.load_result(tmp_path)
    with pytest.raises(TypeError, match="a path"):
        tuning.load_result(3)


def test_a_search_that_has_not_begun_is_empty(tmp_path):
    toy.search(tmp_path / "s", max_trials=1)
    state = json.loads((tmp_path / "s" / "trials" / "oracle.json").read_text())
    (tmp_path / "s" / "trials" / "oracle.json").write_text(json.dumps({**state, "start_order": []}))
    empty = tuning.load_result(tmp_path / "s")
    assert len(empty.trials) == 0 and "No trial has begun" in empty.to_text()
