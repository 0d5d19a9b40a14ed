"""Δm: known answers, signs, and what has no answer."""

import math

import keras
import pytest

from mtlzoo import Task
from mtlzoo.evaluation import delta_m

DIGIT = Task.multiclass("digit", 10)
PRICE = Task.regression("price")


def test_higher_is_better_for_accuracy_and_lower_for_errors():
    base = {"digit_accuracy": 0.8, "price_mae": 2.0}
    assert delta_m({"digit_accuracy": 0.88, "price_mae": 1.5}, base, [DIGIT, PRICE]) == pytest.approx((10 + 25) / 2)
    assert delta_m({"digit_accuracy": 0.72, "price_mae": 2.5}, base, [DIGIT, PRICE]) == pytest.approx(-(10 + 25) / 2)


def test_a_model_against_itself_is_zero_and_tasks_count_the_same_whatever_alpha_and_order():
    base, new = {"digit_accuracy": 0.5, "price_mae": 2.0}, {"digit_accuracy": 0.75, "price_mae": 2.0}
    assert delta_m(base, base, [DIGIT, PRICE]) == 0
    assert delta_m(new, base, [DIGIT, PRICE]) == delta_m(new, base, [PRICE.replace(alpha=100.0), DIGIT]) == pytest.approx(25)


def test_all_metrics_are_averaged_inside_their_task_first():
    new, base = {"price_mae": 1.0, "price_rmse": 3.0, "digit_accuracy": 0.5}, {"price_mae": 2.0, "price_rmse": 4.0, "digit_accuracy": 0.5}
    assert delta_m(new, base, [PRICE, DIGIT], metrics="all") == pytest.approx(((50 + 25) / 2 + 0) / 2)
    assert delta_m(new, base, [PRICE, DIGIT]) == pytest.approx(25)


def test_the_direction_of_the_monitor_wins_and_a_negative_baseline_keeps_the_sign():
    task = Task.regression("gap", metrics=[keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error, name="score")])
    up, down = task.replace(monitor=("score", "max")), task.replace(monitor=("score", "min"))
    assert delta_m({"gap_score": -1.0}, {"gap_score": -2.0}, [up]) == pytest.approx(50)
    assert delta_m({"gap_score": -1.0}, {"gap_score": -2.0}, [down]) == pytest.approx(-50)


def test_the_loss_counts_where_it_is_the_main_metric_only():
    lone = Task.regression("lone", metrics=[])
    assert lone.monitor == ("loss", "min")
    assert delta_m({"lone_loss": 1.0}, {"lone_loss": 4.0}, [lone], metrics="all") == pytest.approx(75)


@pytest.mark.parametrize(
    ("new", "base", "words"),
    [
        ({"digit_accuracy": 0.5}, {"digit_accuracy": 0.0}, "must not be 0"),
        ({"digit_accuracy": math.nan}, {"digit_accuracy": 0.5}, "must be finite"),
        ({"digit_accuracy": 0.5}, {"digit_accuracy": math.inf}, "must be finite"),
        ({"digit_acc": 0.5}, {"digit_accuracy": 0.5}, "must hold 'digit_accuracy'"),
    ],
)
def test_what_has_no_answer_is_an_error_that_names_it(new, base, words):
    with pytest.raises(ValueError, match=words):
        delta_m(new, base, [DIGIT])


def test_an_unknown_choice_of_metrics_is_refused():
    with pytest.raises(ValueError, match="`metrics` must be one of 'all', 'monitor'"):
        delta_m({}, {}, [DIGIT], metrics="every")
