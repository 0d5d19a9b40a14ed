"""`mtlzoo tune`: a search on real data, gone on with, and refused where it is another."""

import shlex

import pytest

from mtlzoo import cli, runs, tuning
from tests.commands.conftest import SMALL

SEARCH = ["tune", *SMALL, "--objective", "sum", "--objective", "left=0.5", "--seed", "3"]


@pytest.mark.slow
def test_a_search_is_printed_and_goes_on(tmp_path, capsys, monkeypatch):
    command = [*SEARCH, "--balancers", "none,uncertainty_weighting", "--trials", "2", "--out", str(tmp_path / "s")]
    with monkeypatch.context() as patch:
        patch.setattr("mtlzoo.tuning._oracles.BayesianOracle.populate_space", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert cli.main([*command, "--search", "bayesian"]) == 130
    assert f"kept in {tmp_path / 's'}; the same command goes on" in capsys.readouterr().err
    assert cli.main([*command, "--search", "bayesian"]) == 0
    printed = capsys.readouterr().out
    result = tuning.load_result(tmp_path / "s")
    assert len(result.trials) == 2 and result.settings["seed"] == 3 and result.settings["epochs"] == 2
    for told in ("Objective: -sum_mae + 0.5 left_accuracy", "hypervolume", "reference point", "Best: trial", f"Search: {tmp_path / 's'}"):
        assert told in printed
    assert {"trials.csv", "trials.md", "front.png", "alphas.png"} <= {path.name for path in (tmp_path / "s").iterdir()}
    assert cli.main([*command, "--search", "random"]) == 2
    assert 'search: "bayesian" there, "random" here' in capsys.readouterr().err
    training = next(line for line in printed.splitlines() if line.startswith("Train the best alone: mtlzoo "))
    command = shlex.split(training.removeprefix("Train the best alone: mtlzoo "))
    assert cli.main([*command, "--no-baseline", "--out", str(tmp_path / "run")]) == 0
    model, config = runs.load(tmp_path / "run")
    found = model.evaluate(config.load_data().validation, return_dict=True, verbose=0)
    assert {key: found[key] for key in result.best["metrics"]} == pytest.approx(result.best["metrics"], rel=1e-5)


def test_bad_values_are_one_line_and_code_2(capsys, tmp_path):
    for options, message in [
        (["--objective", "loss"], "smallest alphas would win"),
        (["--objective", "sum=much"], "NAME=NUMBER"),
        (["--low", "3", "--high", "2"], "range of alphas is empty"),
        (["--search", "luck"], "must be one of 'bayesian'"),
        (["--balancers", "pcgrd"], "Did you mean 'pcgrad'"),
        (["--pivot", "middle"], "`pivot` must be one of"),
    ]:
        assert cli.main(["tune", *SMALL, *options, "--out", str(tmp_path / "s")]) == 2
        error = capsys.readouterr().err
        assert error.startswith("mtlzoo tune: error: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "s").exists()
