"""A judgement of made-up values, so that what it says can be known."""

import math

from mtlzoo import Task
from mtlzoo.judging import Judgement, JudgingConfig
from mtlzoo.judging._methods import BOOSTING, LINEAR, Method
from mtlzoo.runs import RunConfig

TASKS = (Task.multiclass("digit", 10), Task.regression("sum"))
METHODS = (
    Method("single_task", "single_task", "own"),
    Method("hard_sharing, equal", "hard_sharing"),
    Method("hard_sharing, tuned", "hard_sharing", "tuned"),
    Method(BOOSTING),
    Method(LINEAR),
)
SINGLE = [(0.80, 2.0), (0.82, 2.1), (0.78, 1.9)]
CHANCE = {"digit_accuracy": 0.1, "sum_mae": 4.0}


def cell(accuracy, mae, parameters=1000, **changes):
    """The cell of a network, the same on validation as on test."""
    values = {"digit_accuracy": accuracy, "sum_mae": mae}
    costs = {"parameters": parameters, "step_ms": 2.5, "seconds": 10.0, "peak_mib": 700.0}
    return {
        "validation": values,
        "test": values,
        "epochs": {"digit": 3, "sum": 3},
        "alphas": {"digit": 1.0, "sum": 0.5},
        **costs,
        **changes,
    }


def judgement(multi, *, tuned=None, seeds=3, **changes):
    """A judgement in which a multi-task method and its tuned sibling come to these values by seed.

    Args:
        multi: accuracy and error of the method by seed.
        tuned: the same of the tuned one; None for a little worse ones.
        seeds: how many seeds count.
    """
    tuned = tuned or [(accuracy - 0.01, mae + 0.05) for accuracy, mae in multi]
    nothing = {"parameters": None, "step_ms": None, "epochs": {}, "alphas": {}}
    cells = {
        "single_task": [cell(*values) for values in SINGLE],
        "hard_sharing, equal": [cell(*values, parameters=600) for values in multi],
        "hard_sharing, tuned": [cell(*values, parameters=600) for values in tuned],
        BOOSTING: [cell(accuracy - 0.1, mae + 0.5, **nothing) for accuracy, mae in SINGLE],
        LINEAR: [cell(accuracy - 0.3, mae + 1.0, **nothing) for accuracy, mae in SINGLE],
    }
    values = {
        "config": JudgingConfig(run=RunConfig(epochs=5), seeds=seeds),
        "tasks": TASKS,
        "methods": METHODS,
        "cells": {name: found[:seeds] for name, found in cells.items()},
        "chance": [CHANCE] * seeds,
        "info": "made-up <values> & more",
        "sizes": {"train": 1000, "validation": 100, "test": 100},
    }
    return Judgement(**{**values, **changes})


def better(by=0.05):
    """Values that are better than the single-task ones by about this part, not by the same at every seed."""
    return [(accuracy * (1 + by * part), mae * (1 - by * part)) for (accuracy, mae), part in zip(SINGLE, (1.0, 1.1, 0.9), strict=True)]


NAN = math.nan
