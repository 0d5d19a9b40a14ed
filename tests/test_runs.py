"""Configurations and run folders."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import runs
from mtlzoo.data import TableEncoder
from mtlzoo.data.sources import fake_census
from mtlzoo.runs import RunConfig


def test_configuration_round_trip(tmp_path):
    config = RunConfig(alphas={"sum": 0.5}, epochs=3, seed=7, limit=10, tasks=["sum", "left"])
    path = tmp_path / "config.json"
    path.write_text(json.dumps(runs._described(config)))
    assert RunConfig.load(path) == config == RunConfig.load(tmp_path)
    assert json.loads(path.read_text())["versions"].keys() == {"mtlzoo", "keras", "tensorflow", "numpy"}


@pytest.mark.parametrize(
    ("text", "message"), [("{", "cannot be read"), ('{"epoch": 3}', "Did you mean 'epochs'"), ('{"epochs": -1}', "`epochs`")]
)
def test_bad_configurations_are_refused(text, message, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        RunConfig.load(tmp_path)


def test_free_folders_are_numbered(tmp_path):
    config = RunConfig()
    (tmp_path / "digits-1").mkdir()
    (tmp_path / "digits-1" / "model.keras").touch()
    made = [runs.free_folder(config, tmp_path) for _ in range(2)]
    assert made == [tmp_path / "digits-2", tmp_path / "digits-3"], "what was handed out is taken"


def test_folders_of_a_file_are_called_after_it(tmp_path):
    config = RunConfig(data="/some/where/people.csv.gz", tasks=("income",))
    assert config.data_name == "people" and RunConfig(data="mnist+fashion_mnist").data_name == "mnist+fashion_mnist"
    assert runs.free_folder(config, tmp_path, prefix="compare-").name == "compare-people-1"
    with pytest.raises(TypeError, match="`tasks`"):
        RunConfig(tasks="income")


def test_the_baseline_has_the_run_s_size_budget_and_seed():
    config = RunConfig(trunk="mlp", balancer="uncertainty_weighting", alphas={"sum": 0.5}, limit=8)
    splits = config.load_data()
    model, baseline = config.build(splits), config.build(splits, "single_task")
    assert baseline.balancer is None and model.balancer is not None
    assert dict(baseline.alphas) == dict(model.alphas)
    names = {layer.name for layer in baseline.layers}
    assert {f"{task.name}_{layer.name}" for task in splits.tasks for layer in model.layers if layer.name.startswith("dense")} <= names


def test_a_run_on_a_table_keeps_its_encoder_and_exports_raw_columns(tmp_path):
    fake_census(tmp_path, rows=200)
    config = RunConfig(data="census_income", data_dir=str(tmp_path), architecture="mmoe", epochs=1, baseline=False)
    runs.train(config, tmp_path / "run", progress=False)
    model, encoder = keras.saving.load_model(tmp_path / "run" / "model.keras"), TableEncoder.load(tmp_path / "run" / "encoder.keras")
    table = {name: ["Other", "?"] for name in encoder.categories} | {name: [1.0, None] for name in encoder.numbers}
    served = tf.saved_model.load(str(tmp_path / "run" / "export"))
    found = served.serve({name: tf.constant(values) for name, values in encoder.raw(table).items()})
    for task, values in model.predict(encoder.encode(table), verbose=0).items():
        np.testing.assert_allclose(found[task], values, atol=1e-6)
