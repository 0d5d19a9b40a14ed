"""Searches that are really killed, and searches of a chief and workers in processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from mtlzoo import tuning
from tests.house.source import ROOT
from tests.tuning import toy
from tests.tuning.test_tune import counted, table

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    """Starts `tests.tuning.process` on the folder `s`, and ends what is left of it."""
    signals, processes = tmp_path / "signals", []
    signals.mkdir()

    def begin(trials, search="random", **variables):
        known = {
            **os.environ,
            "TOY_SIGNALS": str(signals),
            "PYTHONPATH": str(ROOT),
            **{key: str(value) for key, value in variables.items()},
        }
        command = [sys.executable, "-m", "tests.tuning.process", str(tmp_path / "s"), str(trials), search]
        processes.append(subprocess.Popen(command, env=known, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_killed_in_the_middle_of_a_trial_a_grid_goes_on(tmp_path, start):
    killed = start(4, "grid", TOY_STUCK_AT=3)
    toy.wait_for(tmp_path / "signals" / "alone_3")
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert list(tuning.load_result(tmp_path / "s").trials["status"]) == ["completed", "completed", "running"]
    build, trained = counted()
    result = toy.search(tmp_path / "s", build, max_trials=4, search="grid")
    assert len(result.trials) == 4 and len(trained) == 2, "finished trials are not run again"
    assert table(result) == table(toy.search(tmp_path / "whole", max_trials=4, search="grid")), "it ends as if it had not been killed"


def test_two_workers_share_a_search_and_the_trial_of_a_killed_one_is_run_again(tmp_path, start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    chief = start(7, KERASTUNER_TUNER_ID="chief", **shared)
    one = start(7, KERASTUNER_TUNER_ID="one", TOY_WAIT_FOR="two_2", **shared)
    two = start(7, KERASTUNER_TUNER_ID="two", TOY_STUCK_AT=2, **shared)
    toy.wait_for(tmp_path / "signals" / "two_2")
    os.kill(two.pid, signal.SIGKILL)
    two.wait()
    (lost,) = (name for name in running(tmp_path) if name != first_of(tmp_path, "one"))
    again = start(7, KERASTUNER_TUNER_ID="two", **shared)
    for process in (one, again, chief):
        assert process.wait(timeout=240) == 0, process.stderr.read()
    result = tuning.load_result(tmp_path / "s")
    assert list(result.trials["status"]) == ["completed"] * 7 and result.trials["alpha_one"].nunique() == 7
    tuners = {path.parent.name.removeprefix("trial_"): record(path)["tuner"] for path in (tmp_path / "s").glob("trials/*/record.json")}
    assert set(tuners.values()) == {"one", "two"} and tuners[lost] == "two"
    assert (tmp_path / "s" / "trials.csv").read_text().count("completed") == 7, "the chief leaves the table"
    assert toy.search(tmp_path / "s", max_trials=8).trials["status"].tolist() == ["completed"] * 8, "one process may go on"


def running(tmp_path):
    """Names of the trials that have begun and not ended."""
    trials = tuning.load_result(tmp_path / "s").trials
    return list(trials["trial"][trials["status"] == "running"])


def first_of(tmp_path, tuner):
    """The trial that the chief keeps as a tuner's."""
    return record(tmp_path / "s" / "trials" / "oracle.json")["ongoing_trials"].get(tuner)


def record(path):
    """A JSON file."""
    return json.loads(path.read_text())
