"""The command line: one line with exit code 2 for every bad value, help for every option."""

import subprocess
import sys

import pytest

from mtlzoo import cli

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


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS)])
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
