"""Results: tables, front, plots, and the best model trained again."""

import dataclasses
import io

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtlzoo import Task, data, evaluation, tuning
from tests.tuning import toy


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A search over alphas and an argument that only one of the architectures has."""
    folder = tmp_path_factory.mktemp("search") / "s"
    x, y = toy.rows(24)
    tasks = toy.template().tasks
    train, validation = (
        data.aligned((x[rows], {k: v[rows] for k, v in y.items()}), tasks, batch_size=8) for rows in (slice(16), slice(16, 24))
    )
    options = {"architectures": ["hard_sharing", "mmoe"], "arguments": {"experts": [2, 3]}, "objective": {"a": 1.0, "b": 1.0}, "epochs": 2}
    options["alphas"] = tuning.AlphaSpace(low=0.1, high=10.0, steps=3)
    tf.config.run_functions_eagerly(True)
    try:
        yield tuning.tune(toy.template(), train, validation, folder=folder, search="grid", max_trials=5, **options)
    finally:
        tf.config.run_functions_eagerly(False)


def test_the_table_has_a_row_a_trial(result):
    trials = result.trials
    wanted = ["trial", "status", "score", "architecture", "balancer", "alpha_a", "alpha_b", "experts", "val_a_mae", "val_b_auc"]
    assert list(trials.columns) == [*wanted, "epochs", "seconds", "message"] and len(trials) == 5
    np.testing.assert_allclose(trials["score"], trials["val_b_auc"] - trials["val_a_mae"], rtol=1e-6)
    assert set(trials["architecture"]) == {"hard_sharing", "mmoe"} and set(trials["alpha_a"]) == {0.5}
    assert (trials["experts"].notna() == (trials["architecture"] == "mmoe")).all()
    assert set(trials["alpha_b"][:3]) == {0.1, 1.0, 10.0} and trials["alpha_b"][0] == 1.0
    assert trials["seconds"].gt(0).all() and set(trials["epochs"]) <= {1, 2}


def test_best_and_default_are_rows_of_the_table(result):
    row = result.trials.loc[result.trials["score"].idxmax()]
    best = result.best
    assert best["trial"] == row["trial"] and best["score"] == row["score"] and best["alphas"] == {"a": 0.5, "b": row["alpha_b"]}
    assert best["metrics"] == {"a_mae": row["val_a_mae"], "b_auc": row["val_b_auc"]}
    assert result.default["alphas"] == {"a": 0.5, "b": 1.0} and result.default["architecture"] == "hard_sharing"


def test_front_and_hypervolume_are_those_of_the_evaluation(result):
    assert result.better == ["min", "max"] and result.points.shape == (5, 2)
    wanted = evaluation.pareto_front(result.points, ["min", "max"])
    assert list(result.front["trial"]) == list(result.trials["trial"][wanted])
    assert result.hypervolume == evaluation.hypervolume(result.points, result.reference, ["min", "max"]) > 0


def test_tables_as_text_markdown_and_csv(result):
    frame = pd.read_csv(io.StringIO(result.to_csv()))
    np.testing.assert_allclose(frame["score"], result.trials["score"])
    for told in (result.to_text(), result.to_markdown()):
        reference = f"reference point a_mae {result.reference[0]:.4g}, b_auc {result.reference[1]:.4g}"
        assert f"hypervolume {result.hypervolume:.4g}, {reference}" in told
        assert f"Best: trial {result.best['trial']}" in told and "Trial 0 is the default" in told
        assert sum(f"{trial} *" in told for trial in result.trials["trial"]) == len(result.front)
    assert "| trial | status |" in result.to_markdown()


def test_pictures_are_of_all_alphas_and_tasks(result, tmp_path):
    figure = result.plot_alphas(tmp_path / "alphas.png")
    assert [axis.get_ylabel() for axis in figure.axes] == ["a_mae, min is better", "b_auc, max is better"]
    assert {axis.get_xlabel() for axis in figure.axes} == {"", "alpha of b"}
    assert len(figure.axes[0].collections[0].get_offsets()) == 5
    with pytest.raises(ValueError, match="exists"):
        result.plot_alphas(tmp_path / "alphas.png")
    assert "of 5 on the front" in result.plot_front().axes[0].get_title()
    names = ["trials.csv", "trials.md", "alphas.png", "front.png"]
    assert [path.name for path in result.save(tmp_path)] == names and all((tmp_path / name).is_file() for name in names)


def test_the_best_model_is_that_of_the_trial_again_and_is_saved(result):
    model = result.best_model()
    results = model.evaluate(result.data[1], return_dict=True, verbose=0)
    assert {key: results[key] for key in result.best["metrics"]} == pytest.approx(result.best["metrics"], rel=1e-6)
    saved = keras.saving.load_model(result.folder / "best" / "model.keras")
    assert dict(saved.alphas) == result.best["alphas"]
    for mine, theirs in zip(model.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    loaded = tuning.load_result(result.folder)
    with pytest.raises(ValueError, match="`train` must be given"):
        loaded.best_model()
    again = loaded.best_model(result.data[0], epochs=result.best["epochs"])
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    with pytest.raises(ValueError, match="`epochs` must be"):
        loaded.best_model(result.data[0], epochs=0)


def test_trials_that_cannot_be_compared_are_left_out_of_the_front(result):
    trials = result.trials.copy()
    trials.loc[0, "status"] = "failed"
    trials.loc[1, "val_b_auc"] = np.nan
    part = dataclasses.replace(result, trials=trials)
    assert len(part.completed) == 4 and len(part.comparable) == 3 and not {"0", "1"} & set(part.front["trial"])
    none = dataclasses.replace(result, trials=trials.assign(status="failed"))
    assert "No trial was completed" in none.to_text()
    with pytest.raises(ValueError, match="no best trial"):
        _ = none.best
    with pytest.raises(ValueError, match="must differ"):
        none.plot_alphas()
    assert Task.binary("b").monitor[1] == "max"
