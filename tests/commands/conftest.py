"""Runs that the tests of several commands look at."""

import pytest

from mtlzoo import cli
from mtlzoo.data.sources import fake_census

SMALL = ["--limit", "64", "--epochs", "2", "--trunk", "mlp"]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert cli.main(["train", *SMALL, "--out", str(folder), "--alpha", "sum=0.5", "--balancer", "uncertainty_weighting"]) == 0
    return folder


@pytest.fixture(scope="session")
def table_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    fake_census(folder, rows=200)
    train = ["train", "--data", "census_income", "--data-dir", str(folder), "--epochs", "1", "--no-baseline"]
    assert cli.main([*train, "--out", str(folder / "run")]) == 0
    return folder / "run"
