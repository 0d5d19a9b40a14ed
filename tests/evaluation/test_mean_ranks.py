"""Mean ranks: known answers."""

import math

import pytest

from mtlzoo import Task
from mtlzoo.evaluation import mean_ranks

TASKS = [Task.multiclass("digit", 10), Task.regression("price")]


def test_each_task_is_ranked_in_its_own_direction():
    results = {
        "a": {"digit_accuracy": 0.9, "price_mae": 3.0},
        "b": {"digit_accuracy": 0.8, "price_mae": 1.0},
        "c": {"digit_accuracy": 0.7, "price_mae": 2.0},
    }
    assert mean_ranks(results, TASKS) == {"a": 2.0, "b": 1.5, "c": 2.5}


def test_ties_share_their_ranks_and_ranks_sum_to_the_same():
    results = {name: {"digit_accuracy": value} for name, value in {"a": 0.9, "b": 0.9, "c": 0.5, "d": 0.9}.items()}
    ranks = mean_ranks(results, TASKS[:1])
    assert ranks == {"a": 2.0, "b": 2.0, "c": 4.0, "d": 2.0}
    assert sum(ranks.values()) == 1 + 2 + 3 + 4


def test_nan_comes_last():
    assert mean_ranks({"a": {"price_mae": math.nan}, "b": {"price_mae": 9.0}}, TASKS[1:]) == {"a": 2.0, "b": 1.0}


def test_a_missing_metric_and_no_model_are_errors():
    with pytest.raises(ValueError, match="price_mae"):
        mean_ranks({"a": {"price_rmse": 1.0}}, TASKS[1:])
    with pytest.raises(ValueError, match="at least one model"):
        mean_ranks({}, TASKS)
