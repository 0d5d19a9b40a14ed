"""`mtlzoo train`: a whole run folder, run again from its configuration, replaced only when asked."""

import json

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

from mtlzoo import MultiTaskModel, cli
from tests.commands.conftest import SMALL


def test_train_leaves_a_whole_run(run_folder, capsys):
    wanted = {"model.keras", "export", "report.json", "report.md", "report.png", "history.csv", "history_single_task.csv"}
    assert {path.name for path in run_folder.iterdir()} == wanted | {"learning_curves.png", "config.json"}
    assert [path.name for path in run_folder.parent.iterdir()] == ["run"], "nothing is left beside it"
    report = json.loads((run_folder / "report.json").read_text())
    assert set(report["models"]) == {"hard_sharing", "single_task"} and report["baseline"] == "single_task"
    assert (run_folder / "history.csv").read_text().startswith("epoch,")
    model = keras.saving.load_model(run_folder / "model.keras")
    assert isinstance(model, MultiTaskModel) and dict(model.alphas) == {"left": 1.0, "right": 1.0, "sum": 0.5}


def test_a_configuration_runs_again_to_the_same_model(run_folder, tmp_path):
    assert (
        cli.main(
            [
                "train",
                "--config",
                str(run_folder / "config.json"),
                "--no-baseline",
                "--balancer",
                "uncertainty_weighting",
                "--out",
                str(tmp_path / "again"),
            ]
        )
        == 0
    )
    one, other = (keras.saving.load_model(folder / "model.keras") for folder in (run_folder, tmp_path / "again"))
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not (tmp_path / "again" / "history_single_task.csv").exists()


def test_overwriting_is_asked_for_and_keeps_the_old_run_until_the_end(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    train = ["train", *SMALL, "--no-baseline", "--out", str(folder)]
    assert cli.main(train) == 0
    before = (folder / "model.keras").read_bytes()
    assert cli.main(train) == 2
    assert "exists" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("mtlzoo.evaluation.save_history", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
        assert cli.main([*train, "--overwrite"]) == 130
    assert (folder / "model.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert cli.main([*train, "--overwrite", "--seed", "5"]) == 0
    assert (folder / "model.keras").read_bytes() != before
    other = tmp_path / "papers"
    other.mkdir()
    (other / "config.json").write_text("{}")
    (other / "thesis.txt").write_text("years of work")
    assert cli.main(["train", *SMALL, "--out", str(other), "--overwrite"]) == 2
    assert "a run's folder" in capsys.readouterr().err and (other / "thesis.txt").is_file()
    assert cli.main(["train", *SMALL, "--out", str(other / "thesis.txt" / "run")]) == 2
    assert "cannot be" in capsys.readouterr().err


def test_real_images_from_the_command_line(tfds_dir, tmp_path, capsys):
    folder = tmp_path / "run"
    options = ["--data", "mnist+fashion_mnist", "--data-dir", str(tfds_dir), "--limit", "300", "--epochs", "1", "--trunk", "mlp"]
    assert cli.main(["train", *options, "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "fashion_mnist" in printed and "single_task" in printed
    assert cli.main(["evaluate", str(folder), "--data-dir", str(tmp_path / "gone")]) == 2


@pytest.mark.slow
def test_a_file_is_trained_on_judged_again_and_exported(tmp_path, capsys):
    rows = np.arange(200)
    table = {"age": rows % 80, "city": np.where(rows % 3, "Rome", "Oslo"), "married": rows % 2, "income": 30_000.0 + 200 * rows}
    pandas.DataFrame(table).to_csv(tmp_path / "people.csv", index=False)
    train = ["train", "--data", str(tmp_path / "people.csv"), "--epochs", "2", "--no-baseline", "--out", str(tmp_path / "run")]
    assert cli.main([*train, "--task", "income", "--task", "married:multiclass"]) == 0
    assert "married: multiclass of 2 classes, as given" in capsys.readouterr().out
    assert cli.main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["models"]["hard_sharing"]["results"]
    wanted = json.loads((tmp_path / "run" / "report.json").read_text())["models"]["hard_sharing"]["results"]
    assert got == pytest.approx(wanted, rel=1e-5) and set(got) >= {"income_mae", "married_accuracy"}
    exported = tf.saved_model.load(str(tmp_path / "run" / "export"))
    served = exported.serve({"age": tf.constant([30.0]), "city": tf.constant(["Rome"])})
    assert 30_000 < float(served["income"][0, 0]) < 70_000, "the export speaks the unit of the labels"
    assert cli.main(["train", "--config", str(tmp_path / "run" / "config.json"), "--out", str(tmp_path / "again")]) == 0
