"""`mtlzoo list`: all that can be named."""

from mtlzoo import cli


def test_list_names_everything_with_its_line(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    for word in ("hard_sharing", "single_task", "cnn", "mlp", "uncertainty_weighting", "digits", "first thing to try"):
        assert word in printed
    assert cli.main(["list", "trunks"]) == 0
    assert "hard_sharing" not in capsys.readouterr().out
