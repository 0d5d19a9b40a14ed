"""`mtlzoo compare`: the answer and the page, for a source and for a file; what it says when it is stopped."""

import numpy as np
import pandas
import pytest

from mtlzoo import cli
from mtlzoo.judging import _networks

SMALL = [
    "compare",
    "--task",
    "left",
    "--task",
    "right",
    "--limit",
    "64",
    "--epochs",
    "1",
    "--trunk",
    "mlp",
    "--seeds",
    "1",
    "--trials",
    "1",
]
VALUES = {"left_accuracy": 0.5, "right_accuracy": 0.5}


class Calls(list):
    """A list of trainings; the one of the number `stop_at` is interrupted."""

    stop_at = None


@pytest.fixture
def untrained(monkeypatch):
    """The trainings that were asked for, which cost nothing."""
    calls = Calls()

    def train(config, splits, apart):
        calls.append(config)
        if len(calls) == calls.stop_at:
            raise KeyboardInterrupt
        alphas = {task.name: 1.0 for task in splits.tasks}
        return {"validation": VALUES, "test": VALUES, "epochs": {}, "alphas": alphas, "parameters": 1, "step_ms": 1.0, "seconds": 1.0}

    monkeypatch.setattr(_networks, "train", train)
    monkeypatch.setattr("mtlzoo.judging._tuning.tuned_alphas", lambda *arguments: {"alphas": {"left": 1.0, "right": 2.0}})
    return calls


def test_it_prints_table_answer_and_page(untrained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*SMALL, "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    for wanted in ("hard_sharing, tuned", "hard_sharing, uncertainty_weighting", "Undecided: ", "Page: runs/compare-digits-1/report.html"):
        assert wanted in printed
    assert (tmp_path / "runs" / "compare-digits-1" / "report.html").is_file()
    assert [(config.architecture, config.balancer, config.seed) for config in untrained] == [
        ("single_task", None, 3),
        ("hard_sharing", None, 3),
        ("hard_sharing", None, 3),
        ("hard_sharing", "uncertainty_weighting", 3),
    ]
    assert dict(untrained[2].alphas) == {"left": 1.0, "right": 2.0}


def test_stopped_it_says_how_to_go_on_and_does_so(untrained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mtlzoo.judging.Judgement.save", lambda judgement, folder: None)
    command = [*SMALL, "--architectures", "hard_sharing,cross_stitch", "--balancers", "none", "--out", str(tmp_path / "out")]
    untrained.stop_at = 3
    assert cli.main(command) == 130
    assert f"what is done is kept; the same command with --out {tmp_path / 'out'} goes on from there." in capsys.readouterr().err
    untrained.stop_at = None
    assert cli.main(command) == 0
    assert len(untrained) == 3 + 3, "two cells were there"
    assert "cross_stitch, tuned" in capsys.readouterr().out


@pytest.mark.slow
def test_labels_of_a_file_may_be_text(tmp_path, capsys):
    rows = np.arange(120)
    table = {"age": rows % 7, "rich": np.where(rows % 7 > 3, "yes", "no"), "size": np.array(["s", "l", "m"])[rows % 3]}
    pandas.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    data = ["--data", str(tmp_path / "t.csv"), "--task", "rich", "--task", "size"]
    assert (
        cli.main(
            ["compare", *data, "--balancers", "none", "--epochs", "1", "--seeds", "1", "--trials", "1", "--out", str(tmp_path / "out")]
        )
        == 0
    )
    printed = capsys.readouterr().out
    assert 'rich: binary, "no" is 0, "yes" is 1' in printed and 'size: multiclass of 3 classes, "l" is 0, "m" is 1, "s" is 2' in printed
    cells = pandas.read_csv(tmp_path / "out" / "results.csv")
    found = cells[cells["method"] == "sklearn boosting"].set_index("task")["test"]
    assert found["rich"] == 1, "age says it"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--architectures", "mmo"], "Did you mean 'mmoe'"),
        (["--balancers", "pcgrd"], "Did you mean 'pcgrad'"),
        (["--seeds", "0"], "`seeds`"),
        (["--trials", "0"], "`trials`"),
        (["--task", "lefd"], "Did you mean 'left'"),
        (["--data", "people.csv"], "must be a file that is there"),
    ],
)
def test_bad_values_give_one_line_and_leave_nothing(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("mtlzoo compare: error: ") and message in error
    assert not [path for path in tmp_path.rglob("*") if path.name != "runs"]
