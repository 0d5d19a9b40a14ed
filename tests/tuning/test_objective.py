"""Objectives: known values, directions, and what is refused."""

import math

import pytest

from mtlzoo import Task, evaluation, tuning

TASKS = [Task.multiclass("digit", 10, alpha=0.1), Task.regression("total", alpha=3.0)]
BASE = {"digit_accuracy": 0.5, "total_mae": 0.4, "loss": 1.0}
GOOD = {"digit_accuracy": 0.6, "total_mae": 0.2}


def test_a_task_counts_by_its_main_metric_and_more_is_better():
    assert tuning.objective("digit", TASKS).score(GOOD) == 0.6
    assert tuning.objective("total_mae", TASKS).score(GOOD) == -0.2
    assert tuning.objective("val_digit_loss", TASKS).score({"digit_loss": 0.3}) == -0.3


def test_validation_counts_where_both_are_there():
    logs = {"digit_accuracy": 1.0, "val_digit_accuracy": 0.7}
    assert tuning.objective("digit", TASKS).score(logs) == 0.7


def test_delta_m_is_that_of_the_evaluation_and_alphas_play_no_part():
    made = tuning.objective("delta_m", TASKS, BASE)
    assert made.needs_baseline and made.score(GOOD) == evaluation.delta_m(GOOD, BASE, TASKS)
    others = [task.replace(alpha=7.0) for task in TASKS]
    assert tuning.objective("delta_m", others, BASE).score(GOOD | {"loss": 99.0}) == made.score(GOOD)
    validated = {f"val_{key}": value for key, value in BASE.items()}
    assert tuning.objective("delta_m", TASKS).with_baseline(validated).score(GOOD) == made.score(GOOD)


def test_several_are_summed_with_their_weights_and_signs():
    made = tuning.objective({"digit": 2.0, "total": 0.5}, TASKS)
    assert made.score(GOOD) == pytest.approx(2 * 0.6 - 0.5 * 0.2)
    assert made.name == "2 digit_accuracy - 0.5 total_mae" and not made.needs_baseline
    mixed = tuning.objective({"delta_m": 1.0, "digit": 10.0}, TASKS, BASE)
    assert mixed.score(GOOD) == pytest.approx(evaluation.delta_m(GOOD, BASE, TASKS) + 6.0)


@pytest.mark.parametrize("name", ["loss", "val_loss", "total_loss", "val_total"])
def test_the_total_loss_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match="smallest alphas would win"):
        tuning.objective(name, TASKS)


def test_a_task_named_total_is_a_task():
    assert tuning.objective("total", TASKS).weights == {"total_mae": 1.0}


def test_what_no_task_has_names_the_nearest_and_all_others():
    with pytest.raises(ValueError, match=r"'delta_m', 'digit', .*'total_mae'.*received 'digitt'. Did you mean 'digit'"):
        tuning.objective("digitt", TASKS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_diverged_value_gives_nan(value):
    assert math.isnan(tuning.objective("digit", TASKS).score({"digit_accuracy": value}))
    assert math.isnan(tuning.objective("delta_m", TASKS, BASE).score({"digit_accuracy": 1.0, "total_mae": value}))


def test_bad_input_is_refused():
    for wrong, message in [
        ({}, "at least one"),
        ({"digit": 0.0}, "above 0"),
        ({"digit": 1.0, "val_digit_accuracy": 1.0}, "each metric once"),
    ]:
        with pytest.raises(ValueError, match=message):
            tuning.objective(wrong, TASKS)
    with pytest.raises(TypeError, match="a name or a dict"):
        tuning.objective(3, TASKS)
    with pytest.raises(ValueError, match="'total_mae'"):
        tuning.objective("delta_m", TASKS, {"digit_accuracy": 0.5})
    with pytest.raises(ValueError, match="must not be 0"):
        tuning.objective("delta_m", TASKS, BASE | {"total_mae": 0.0})
    with pytest.raises(ValueError, match="single-task models"):
        tuning.objective("delta_m", TASKS).score(GOOD)
    with pytest.raises(ValueError, match="must hold 'digit_accuracy'"):
        tuning.objective("digit", TASKS).score({"total_mae": 1.0})
