"""What a judgement says of known values: intervals, ranks, ties, verdicts, and the answer."""

import csv
import io
import re

import numpy as np
import pytest
from scipy import stats

from mtlzoo.judging._methods import BOOSTING, LINEAR
from tests.judging import made


def test_delta_m_is_paired_by_seed_and_has_student_s_interval():
    found = made.judgement(made.better())
    by_seed = found.delta_m_by_seed("hard_sharing, equal")
    np.testing.assert_allclose(by_seed, [5.0, 5.5, 4.5])
    mean, half = found.delta_m["hard_sharing, equal"]
    np.testing.assert_allclose([mean, half], [5.0, stats.t.ppf(0.975, 2) * 0.5 / np.sqrt(3)])
    values = [accuracy for accuracy, _ in made.SINGLE]
    mean, half = found.results["single_task"]["digit"]
    np.testing.assert_allclose([mean, half], [0.8, stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / np.sqrt(3)])


def test_ranks_and_standing():
    found = made.judgement(made.better())
    assert found.mean_ranks == {"single_task": 3.0, "hard_sharing, equal": 1.0, "hard_sharing, tuned": 2.0, BOOSTING: 4.0, LINEAR: 5.0}
    assert found.stands["hard_sharing, equal"] == "best" and found.stands["single_task"] == "below" == found.stands[LINEAR]
    assert found.best == "hard_sharing, equal"


def test_the_method_that_answers_is_chosen_on_validation_not_on_test():
    found = made.judgement(made.better(), tuned=made.better(0.1))
    for cell in found.cells["hard_sharing, tuned"]:
        cell["validation"] = {"digit_accuracy": 0.1, "sum_mae": 9.0}
    assert found.best == "hard_sharing, equal" and found.stands["hard_sharing, tuned"] == "best"
    assert "hard_sharing, equal, the multi-task method that was best on validation" in found.answer


def test_a_gain_is_called_one():
    found = made.judgement(made.better())
    assert found.answer.startswith("Yes: multi-task learning helps on these data; ")
    assert "+5.00 ± 1.24 % (Δm) over 3 seeds" in found.answer and "better on digit, sum" in found.answer
    assert found.answer.endswith("it has 60 % of their parameters.")
    assert found.others.count("is behind hard_sharing, equal") == 2


def test_a_loss_is_called_one():
    found = made.judgement(made.better(-0.05))
    assert found.answer.startswith("No: multi-task learning hurts") and "worse on (negative transfer) digit, sum" in found.answer
    assert "parameters" not in found.answer


def test_a_tie_is_called_a_tie():
    multi = [(0.81, 2.1), (0.81, 2.0), (0.79, 1.85)]
    found = made.judgement(multi)
    assert found.answer.startswith("A tie: ") and "undecided on digit, sum" in found.answer
    assert found.stands["single_task"] in ("tie", "best") and found.stands["hard_sharing, equal"] in ("tie", "best")


def test_equal_values_tie():
    found = made.judgement(made.SINGLE, tuned=made.SINGLE)
    assert found.answer.startswith("A tie: ")
    assert [found.stands[name] for name in ("single_task", "hard_sharing, equal", "hard_sharing, tuned")] == ["best", "tie", "tie"]


def test_what_no_model_learns_is_unlearnable():
    noise = [(accuracy, 4.1) for accuracy, _ in made.SINGLE]
    found = made.judgement(noise)
    for cell in found.cells["single_task"]:
        cell["test"] = {**cell["test"], "sum_mae": 4.05}
    assert found.transfers["hard_sharing, equal"].verdicts["sum"] == "unlearnable"
    assert "no better than a constant, with or without other tasks, on sum" in found.answer


def written(judgement):
    """All that a judgement says in words, without the pictures of its page."""
    page = re.sub(r"data:image/png;base64,[^\"]*", "", judgement.to_html())
    return judgement.to_text() + judgement.to_markdown() + judgement.to_csv() + page


def test_one_seed_tells_nothing():
    found = made.judgement(made.better(), seeds=1)
    assert found.answer.startswith("Undecided: ") and "one seed cannot tell that from noise" in found.answer
    assert found.stands["single_task"] == "?"
    assert "nan" not in written(found)


def test_a_training_that_failed_is_said():
    found = made.judgement(made.better())
    values = {"digit_accuracy": made.NAN, "sum_mae": made.NAN}
    found.cells["hard_sharing, tuned"][1] |= {"test": values, "validation": values, "error": "the loss of task `sum` is not finite"}
    assert found.stands["hard_sharing, tuned"] == "?" and found.best == "hard_sharing, equal"
    assert any("hard_sharing, tuned: training failed with 1 of 3 seeds" in note for note in found.notes)
    assert "nan" not in written(found)


def test_csv_has_a_row_for_every_method_seed_and_task():
    found = made.judgement(made.better())
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert len(rows) == 5 * 3 * 2
    row = next(row for row in rows if (row["method"], row["seed"], row["task"]) == ("hard_sharing, equal", "1", "sum"))
    assert float(row["test"]) == pytest.approx(2.1 * 0.945) and float(row["delta_m_percent"]) == pytest.approx(5.5)
    assert (row["metric"], row["better"], row["epoch"], row["alpha"], row["parameters"]) == ("mae", "min", "3", "0.5", "600")
    assert next(row for row in rows if row["method"] == BOOSTING)["step_ms"] == ""


def test_text_and_markdown_hold_the_same_values():
    found = made.judgement(made.better())
    for text in (found.to_text(), found.to_markdown()):
        for wanted in (found.answer, found.others, "+5.00 ± 1.24", "digit: accuracy ↑", "positive", "sklearn boosting", *found.notes):
            assert wanted in text
    assert found.to_markdown().startswith("# Does multi-task learning help here?\n\nYes")


def test_save_writes_whole_files_and_replaces_them(tmp_path):
    (tmp_path / "report.md").write_text("an older one")
    paths = made.judgement(made.better()).save(tmp_path)
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in paths} == {"results.csv", "report.md", "report.html", "delta_m.png", "tasks.png", "cost.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths if path.suffix == ".png")
    assert "Yes: " in (tmp_path / "report.md").read_text()
