"""Cells are trained once and kept; a judging that was stopped goes on; another one's folder is refused."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas
import pytest
import threadpoolctl

from mtlzoo.judging import JudgingConfig, _networks, judge
from mtlzoo.runs import RunConfig

RUN = RunConfig(tasks=("left", "right"), trunk="mlp", limit=64, epochs=2)
NAMES = ["single_task", "hard_sharing, equal", "hard_sharing, tuned"]


def test_a_judging_that_was_stopped_goes_on(tmp_path, monkeypatch):
    config, trained, original = JudgingConfig(run=RUN, seeds=1, trials=1), [], _networks.train

    def counted(*arguments):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(_networks, "train", counted)
    monkeypatch.setattr("mtlzoo.judging._tuning.tuned_alphas", lambda *arguments: {"alphas": {"left": 1.0, "right": 0.5}})
    with pytest.raises(KeyboardInterrupt):
        judge(config, tmp_path, progress=False)
    kept = {path: path.read_bytes() for path in (tmp_path / "cells").iterdir()}
    assert {path.name for path in kept} == {
        f"{name}.json" for name in ("single_task-seed0", "hard_sharing-equal-seed0", "alphas-hard_sharing")
    }
    monkeypatch.setattr(_networks, "train", lambda *arguments: trained.append(arguments) or original(*arguments))
    found = judge(config, tmp_path, progress=False)
    assert list(found.cells) == NAMES and len(trained) == 3, "two cells were there"
    assert all(path.read_bytes() == content for path, content in kept.items())
    again = judge(config, tmp_path, progress=False)
    assert len(trained) == 3 and again.to_csv() == found.to_csv() and again.answer == found.answer
    for other, message in (
        ({"run": RunConfig(**{**vars(RUN), "epochs": 3})}, "another judging: epochs is 2 there, 3 here"),
        ({"trials": 2}, "trials is 1 there, 2 here"),
    ):
        with pytest.raises(ValueError, match=message):
            judge(JudgingConfig(**{**vars(config), **other}), tmp_path, progress=False)
    cell = found.cells["hard_sharing, tuned"][0]
    assert cell["alphas"] == {"left": 1.0, "right": 0.5} and cell["epochs"].keys() == {"left", "right"}
    assert cell["epochs"]["left"] == cell["epochs"]["right"] and cell["step_ms"] > 0
    assert cell["parameters"] < found.cells["single_task"][0]["parameters"]
    (tmp_path / "cells" / "hard_sharing-equal-seed0.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read .*; remove it"):
        judge(config, tmp_path, progress=False)


def test_a_training_that_diverges_is_a_cell_that_says_so(tmp_path, monkeypatch):
    def train(config, splits, apart):
        if config.architecture != "single_task":
            raise ValueError("the loss of task `right` is not finite (NaN or infinity)")
        values = {"left_accuracy": 0.5, "right_accuracy": 0.5}
        return {"validation": values, "test": values, "epochs": {}, "alphas": {"left": 1.0, "right": 1.0}, "parameters": 1}

    monkeypatch.setattr(_networks, "train", train)
    monkeypatch.setattr("mtlzoo.judging._tuning.tuned_alphas", lambda *arguments: {"alphas": {"left": 1.0, "right": 1.0}})
    found = judge(JudgingConfig(run=RUN, seeds=1), tmp_path, progress=False)
    assert found.answer.startswith("Undecided") and "training failed with 1 of 1 seeds" in " ".join(found.notes)
    assert all(np.isnan(found.delta_m_by_seed("hard_sharing, equal")))
    assert judge(JudgingConfig(run=RUN, seeds=1), tmp_path, progress=False).to_csv() == found.to_csv()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (JudgingConfig(run=RunConfig(tasks=("left",), limit=20)), "`tasks` must be at least two"),
        (JudgingConfig(run=RunConfig(alphas={"lefd": 1.0}, limit=20)), "Did you mean 'left'"),
        (JudgingConfig(run=RunConfig(limit=20, trunk="mlp"), architectures=("esmm",)), "esmm|binary"),
    ],
)
def test_what_cannot_be_judged_is_said_before_anything_is_trained(config, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        judge(config, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="exists"):
        judge(JudgingConfig(run=RUN), tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_epoch_is_that_of_the_best_mean_rank():
    from mtlzoo import Task

    tasks = [Task.multiclass("a", 2), Task.regression("b")]
    epochs = [{"a_accuracy": 0.5, "b_mae": 1.0}, {"a_accuracy": 0.9, "b_mae": 1.1}, {"a_accuracy": 0.6, "b_mae": 5.0}]
    assert _networks.best_epochs(epochs, tasks) == {"a": 1, "b": 1}
    assert _networks.best_epochs(epochs, tasks, apart=True) == {"a": 1, "b": 0}
    assert _networks.best_epochs([epochs[0]] * 3, tasks) == {"a": 0, "b": 0}, "of equals the first"


@pytest.fixture
def people(tmp_path):
    rng = np.random.default_rng(0)
    age, city = rng.integers(18, 80, 300), rng.choice(["Rome", "Oslo"], 300)
    income = 20_000 + 500.0 * age + 5_000 * (city == "Rome") + rng.normal(0, 500, 300)
    table = {"age": age, "city": city, "income": income, "married": (age + rng.normal(0, 5, 300) > 40).astype(int)}
    pandas.DataFrame(table).to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


@pytest.mark.slow
def test_a_file_is_judged_with_scikit_learn_beside_it_and_may_not_change(people, tmp_path):
    run = RunConfig(data=str(people), tasks=("income", "married"), epochs=1)
    config = JudgingConfig(run=run, seeds=1, trials=1)
    with threadpoolctl.threadpool_limits(1):
        found = judge(config, tmp_path / "out", progress=False)
    assert list(found.cells) == ["single_task", "hard_sharing, equal", "hard_sharing, tuned", "sklearn boosting", "sklearn linear"]
    linear = found.cells["sklearn linear"][0]["test"]
    assert linear["income_mae"] < 1_000 and linear["married_auc"] > 0.9
    people.write_text(people.read_text() + "33,Oslo,40000,1\n")
    with pytest.raises(ValueError, match="another judging: data_sha256"):
        judge(config, tmp_path / "out", progress=False)


@pytest.mark.slow
def test_a_judging_that_was_killed_ends_as_the_one_that_was_not(tmp_path):
    command = [sys.executable, "-m", "mtlzoo", "compare", "--task", "left", "--task", "right", "--trunk", "mlp", "--limit", "64"]
    command += ["--epochs", "1", "--seeds", "2", "--trials", "1", "--balancers", "none", "--out"]
    process = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (tmp_path / "killed" / "cells" / "hard_sharing-tuned-seed0.json").is_file():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    cells = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "killed" / "cells").glob("[!.]*")}
    assert "hard_sharing-tuned-seed1.json" not in cells and not (tmp_path / "killed" / "report.html").exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    assert all((tmp_path / "killed" / "cells" / name).stat().st_mtime_ns == time for name, time in cells.items())
    assert (tmp_path / "killed" / "report.html").is_file()
    contents = []
    for name in ("killed", "whole"):
        paths = sorted((tmp_path / name / "cells").glob("[!.]*"))
        read = {path.name: json.loads(path.read_text()) for path in paths}
        contents.append({key: {part: cell[part] for part in ("test", "epochs", "alphas") if part in cell} for key, cell in read.items()})
    assert contents[0] == contents[1] and len(contents[0]) == 2 * 3 + 2 + 1
