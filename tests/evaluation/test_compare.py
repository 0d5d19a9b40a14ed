"""`compare` and `Report`: what they say, and in which forms."""

import json
import math

import pytest

from mtlzoo import Task
from mtlzoo.evaluation import Report, compare

TASKS = [Task.multiclass("digit", 10, alpha=0.5), Task.regression("price")]
RESULTS = {
    "shared": {"digit_accuracy": 0.88, "digit_loss": 0.4, "price_mae": 2.5, "price_rmse": 3.0, "price_loss": 9.0, "loss": 9.2},
    "single": {"digit_accuracy": 0.80, "digit_loss": 0.5, "price_mae": 2.0, "price_rmse": 2.0, "price_loss": 4.0, "loss": 4.5},
    "other": {"digit_accuracy": 0.80, "digit_loss": 0.5, "price_mae": 1.0, "price_rmse": 1.0, "price_loss": 1.0, "loss": 1.5},
}


def test_the_numbers_are_those_of_the_formulas():
    report = compare(RESULTS, TASKS, baseline="single")
    assert isinstance(report, Report) and report.challengers == ("shared", "other")
    assert report.total_losses == pytest.approx({"shared": 0.2 + 9, "single": 0.25 + 4, "other": 0.25 + 1})
    assert report.mean_ranks == {"shared": 2.0, "single": 2.25, "other": 1.75}
    assert report.delta_m == pytest.approx({"shared": (10 - 25) / 2, "other": 25})
    assert report.changes["shared"]["price_rmse"] == pytest.approx(-50)
    assert compare(RESULTS, TASKS, baseline="single", metrics="all").delta_m["shared"] == pytest.approx((10 - 37.5) / 2)
    assert compare(RESULTS, TASKS, alphas={"price": 0.1}).total_losses["shared"] == pytest.approx(0.2 + 0.9)


def test_the_verdict_names_what_got_better_and_worse_and_what_one_run_cannot_tell():
    verdict = compare(RESULTS, TASKS, baseline="single").verdict
    assert "shared came out behind single (Δm -7.50 %; better on digit; worse on price)" in verdict
    assert "other came out ahead overall of single (Δm +25.00 %; better on price; the same on digit)" in verdict
    assert verdict.endswith("it cannot be said whether that is more than the noise of the seed.") and verdict.count(".\n") == 0
    assert "no baseline" in compare(RESULTS, TASKS).verdict


def test_a_baseline_of_zero_leaves_a_gap_and_the_report_stands():
    results = {"shared": RESULTS["shared"], "single": RESULTS["single"] | {"digit_accuracy": 0.0, "price_loss": math.nan}}
    report = compare(results, TASKS, baseline="single")
    assert math.isnan(report.delta_m["shared"]) and "not comparable on digit" in report.verdict
    found = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    assert found["models"]["shared"]["delta_m_percent"] is None
    assert found["models"]["single"]["results"]["price_loss"] is None
    assert found["models"]["single"]["total_loss"] is None
    assert "nan" not in report.to_text() and "nan" not in report.to_markdown()


def test_text_and_markdown_hold_every_task_model_and_overall_number():
    report = compare(
        RESULTS,
        TASKS,
        baseline="single",
        parameters={"shared": 12345, "single": 99999},
        seconds={"shared": 1.25},
        histories={"shared": {"loss": [2.0, 1.0], "digit_accuracy": [0.5, 0.4], "price_mae": [2.0, 1.0]}},
    )
    for form in (report.to_text(), report.to_markdown()):
        for words in (
            "digit",
            "price",
            "shared",
            "single",
            "other",
            "+10.00 %",
            "Δm",
            "12,345",
            "1.2",
            "Best epoch, shared",
            report.verdict,
        ):
            assert words in form
        assert "\x1b" not in form
    table = [line for line in report.to_markdown().splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table[:2]}) == 1 and table[1].startswith("| --- | ---: |")
    found = report.to_dict()["models"]["shared"]
    assert (found["epochs"], found["best_epochs"]) == (2, {"digit": 0, "price": 1})


def test_text_has_colours_in_a_terminal_only(monkeypatch):
    report = compare(RESULTS, TASKS, baseline="single")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[" in report.to_text()


def test_save_writes_both_files_or_refuses_before_writing_one(tmp_path):
    report = compare(RESULTS, TASKS, baseline="single")
    paths = report.save(tmp_path / "run")
    assert [path.name for path in paths] == ["report.json", "report.md"]
    assert json.loads(paths[0].read_text()) == report.to_dict()
    assert paths[1].read_text() == report.to_markdown()
    paths[0].unlink()
    with pytest.raises(ValueError, match="report.md' exists"):
        report.save(tmp_path / "run")
    assert not paths[0].exists()
    assert report.save(tmp_path / "run", overwrite=True) == paths
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["report.json", "report.md"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"baseline": "singel"}, ValueError, "Did you mean 'single'"),
        ({"metrics": "main"}, ValueError, "`metrics` must be one of"),
        ({"results": {}}, ValueError, "at least one model"),
        ({"results": {"a": [1.0]}}, TypeError, "return_dict=True"),
        ({"results": {"a": {"loss": 1.0}}}, ValueError, "must hold 'digit_accuracy'"),
        ({"alphas": {"digits": 1.0}}, ValueError, "Did you mean 'digit'"),
        ({"alphas": {"digit": -1.0}}, ValueError, "at least 0"),
        ({"seconds": {"shard": 1.0}}, ValueError, "Did you mean 'shared'"),
        ({"parameters": [1]}, TypeError, "a dict by model name"),
        ({"histories": {"shared": {}}}, ValueError, "at least one epoch"),
    ],
)
def test_bad_arguments_are_named(change, error, words):
    with pytest.raises(error, match=words):
        compare(**{"results": RESULTS, "tasks": TASKS, **change})
