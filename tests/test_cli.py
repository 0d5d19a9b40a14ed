"""The command line: what it prints, what it leaves, and one line with exit code 2 for every bad value."""

import gzip
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import MultiTaskModel, cli
from mtlzoo.data import TableEncoder
from mtlzoo.data.sources import fake_census
from mtlzoo.data.sources.census_income import COLUMNS, FILE, NUMBERS, _parts

SMALL = ["--limit", "64", "--epochs", "2", "--trunk", "mlp"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert cli.main(["train", *SMALL, "--out", str(folder), "--alpha", "sum=0.5", "--balancer", "uncertainty_weighting"]) == 0
    return folder


def test_train_leaves_a_whole_run(run_folder, capsys):
    wanted = {"model.keras", "export", "report.json", "report.md", "report.png", "history.csv", "history_single_task.csv"}
    assert {path.name for path in run_folder.iterdir()} == wanted | {"learning_curves.png", "config.json"}
    assert [path.name for path in run_folder.parent.iterdir()] == ["run"], "nothing is left beside it"
    report = json.loads((run_folder / "report.json").read_text())
    assert set(report["models"]) == {"hard_sharing", "single_task"} and report["baseline"] == "single_task"
    assert (run_folder / "history.csv").read_text().startswith("epoch,")
    model = keras.saving.load_model(run_folder / "model.keras")
    assert isinstance(model, MultiTaskModel) and dict(model.alphas) == {"left": 1.0, "right": 1.0, "sum": 0.5}


def test_evaluate_gives_the_report_s_own_values(run_folder, capsys):
    assert cli.main(["evaluate", str(run_folder), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["models"]["hard_sharing"]
    wanted = json.loads((run_folder / "report.json").read_text())["models"]["hard_sharing"]
    for key, value in wanted["results"].items():
        np.testing.assert_allclose(got["results"][key], value, rtol=1e-5)
    assert cli.main(["evaluate", str(run_folder), "--split", "validation"]) == 0
    assert "hard_sharing" in capsys.readouterr().out


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


def test_export_in_both_formats(run_folder, tmp_path, capsys):
    assert cli.main(["export", str(run_folder), "--out", str(tmp_path / "saved")]) == 0
    assert (tmp_path / "saved" / "saved_model.pb").is_file()
    assert cli.main(["export", str(run_folder), "--format", "litert", "--out", str(tmp_path / "model.tflite")]) == 0
    assert (tmp_path / "model.tflite").stat().st_size > 1000
    assert cli.main(["export", str(run_folder)]) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    fake_census(folder, rows=200)
    train = ["train", "--data", "census_income", "--data-dir", str(folder), "--epochs", "1", "--no-baseline"]
    assert cli.main([*train, "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_evaluate_reads_other_data_with_the_run_s_own_encoder(table_run, tmp_path, capsys):
    lines = gzip.decompress((table_run.parent / FILE).read_bytes()).decode().splitlines()
    cells = [line.split(", ") for line in lines]
    for row in np.flatnonzero(_parts(len(cells)) == "train"):  # The rows of the test stay; an encoder fitted anew would differ.
        kept = (cells[row][COLUMNS.index("marital_status")], cells[row][-1])
        cells[row] = ["7" if name in NUMBERS else "Other" for name in COLUMNS]
        cells[row][COLUMNS.index("marital_status")], cells[row][-1] = kept
    (tmp_path / FILE).write_bytes(gzip.compress("\n".join(map(", ".join, cells)).encode()))
    capsys.readouterr()
    assert cli.main(["evaluate", str(table_run), "--data-dir", str(tmp_path), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["models"]["hard_sharing"]["results"]
    wanted = json.loads((table_run / "report.json").read_text())["models"]["hard_sharing"]["results"]
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(got[key], value, rtol=1e-5)


def test_export_of_a_table_s_run_takes_raw_columns(table_run, tmp_path, capsys):
    assert cli.main(["export", str(table_run), "--out", str(tmp_path / "saved")]) == 0
    assert "ids" not in capsys.readouterr().out
    model, encoder = keras.saving.load_model(table_run / "model.keras"), TableEncoder.load(table_run / "encoder.keras")
    table = {name: ["Other", "unseen"] for name in encoder.categories} | {name: [1.0, None] for name in encoder.numbers}
    served = tf.saved_model.load(str(tmp_path / "saved"))
    found = served.serve({name: tf.constant(cells) for name, cells in encoder.raw(table).items()})
    for task, values in model.predict(encoder.encode(table), verbose=0).items():
        np.testing.assert_allclose(found[task], values, atol=1e-6)
    assert cli.main(["export", str(table_run), "--format", "litert", "--out", str(tmp_path / "model.tflite")]) == 0
    assert f"ids and normalised numbers, as {table_run}/encoder.keras gives" in capsys.readouterr().out


def test_list_names_everything_with_its_line(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    for word in ("hard_sharing", "single_task", "cnn", "mlp", "uncertainty_weighting", "digits", "first thing to try"):
        assert word in printed
    assert cli.main(["list", "trunks"]) == 0
    assert "hard_sharing" not in capsys.readouterr().out


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


BAD = [
    (["train", "--data", "digts"], "Did you mean 'digits'"),
    (["train", "--data", "digits", "--data-dir", "somewhere"], "embedded"),
    (["train", "--architecture", "hard_sharin"], "Did you mean 'hard_sharing'"),
    (["train", "--trunk", "cnm"], "Did you mean 'cnn'"),
    (["train", "--balancer", "uncertainty"], "Did you mean 'uncertainty_weighting'"),
    (["train", "--alpha", "summ=1"], "Did you mean 'sum'"),
    (["train", "--alpha", "sum=-1"], "at least 0"),
    (["train", "--alpha", "sum=nan"], "finite"),
    (["train", "--epochs", "0"], "`epochs` must be a whole number at least 1"),
    (["train", "--batch-size", "0"], "`batch_size`"),
    (["train", "--learning-rate", "0"], "`learning_rate`"),
    (["train", "--seed", "-1"], "`seed`"),
    (["train", "--limit", "0"], "`limit`"),
    (["train", "--config", "no.json"], "config.json of a run"),
    (["evaluate", "nowhere"], "finished run"),
    (["export", "nowhere"], "finished run"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_values_give_one_line_and_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith(f"mtlzoo {arguments[0]}: error: ")
    assert message in error
    assert not [path for path in tmp_path.rglob("*") if path.name != "runs"]


@pytest.mark.parametrize(
    "arguments", [["trian"], ["train", "--alpha", "sum"], ["train", "--epochs", "many"], ["export", "run", "--format", "onnx"], []]
)
def test_unreadable_options_give_one_line_and_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and "error: " in error


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["export"], ["list"]])
def test_every_option_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    parser = cli.make_parser()
    if command:
        parser = parser._subparsers._group_actions[0].choices[command[0]]
    assert all(action.help for action in parser._actions)
    assert all(option in printed for action in parser._actions for option in action.option_strings)


def test_as_a_program_a_bad_value_is_no_traceback(tmp_path):
    done = subprocess.run([sys.executable, "-m", "mtlzoo", "train", "--data", "digts"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("mtlzoo train: error: `data`")


def test_real_images_from_the_command_line(tfds_dir, tmp_path, capsys):
    folder = tmp_path / "run"
    options = ["--data", "mnist+fashion_mnist", "--data-dir", str(tfds_dir), "--limit", "300", "--epochs", "1", "--trunk", "mlp"]
    assert cli.main(["train", *options, "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "fashion_mnist" in printed and "single_task" in printed
    assert cli.main(["evaluate", str(folder), "--data-dir", str(tmp_path / "gone")]) == 2
