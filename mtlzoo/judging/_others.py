"""scikit-learn's methods on the same tables: gradient boosting a task, and linear models of several outputs."""

import time

import numpy as np

from mtlzoo import data, evaluation
from mtlzoo.judging import _score
from mtlzoo.judging._memory import Peak
from mtlzoo.judging._methods import BOOSTING

MOST_IDS = 255  # What HistGradientBoosting takes; ids are in the order of how often they occur, so the rare ones join the unknown.
PENALTIES = (0.001, 0.01, 0.1, 1.0)
RULE = (
    "scikit-learn's methods read the same encoded columns, and each task the rows that have its label. Boosting is HistGradientBoosting, a "
    "model a task, of at most 300 rounds, ended by the validation loss. Linear is MultiTaskLasso on the rows that have all numbers to be "
    "predicted (MultiOutputRegressor of Lasso, a task at a time, where there are no such rows or there is one such task), with the "
    "penalty of the best mean rank on validation, and MultiOutputClassifier of LogisticRegression, on one-hot categories."
)


def train(method, splits, seed):
    """Fits a method of scikit-learn and returns its cell, scored by the tasks' own Keras metrics.

    Args:
        method: the `Method`.
        splits: `Splits` of a table.
        seed: decides what is random in it.
    """
    peak = Peak()
    data.start_at(splits.train, 0)
    parts = {part: _score.arrays(getattr(splits, part)) for part in ("train", "validation", "test")}
    start = time.perf_counter()
    outputs = (_boosting if method.name == BOOSTING else _linear)(splits.tasks, parts, seed)
    seconds = time.perf_counter() - start
    values = {part: _score.score(splits.tasks, outputs[part], *parts[part][1:]) for part in ("validation", "test")}
    return {"epochs": {}, **values, "parameters": None, "step_ms": None, "seconds": seconds, "peak_mib": peak.mib(), "alphas": {}}


def _boosting(tasks, parts, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    tables = {part: _columns(x) for part, (x, _, _) in parts.items()}
    categories = parts["train"][0]["categories"].shape[1] if "categories" in parts["train"][0] else 0
    options = {
        "max_iter": 300,
        "n_iter_no_change": 20,
        "random_state": seed,
        "categorical_features": np.arange(tables["train"].shape[1]) < categories,
    }
    found = {part: {} for part in tables}
    for task in tasks:
        rows, y = _labelled(task, parts["train"])
        held, target = _labelled(task, parts["validation"])
        if task.kind != "regression":  # A class that no training row has cannot be scored.
            held, target = (values[np.isin(target, np.unique(y))] for values in (held, target))
        if task.kind != "regression" and len(np.unique(y)) == 1:
            model = _Constant(y[0])
        else:
            kind = HistGradientBoostingRegressor if task.kind == "regression" else HistGradientBoostingClassifier
            model = kind(**options, early_stopping=bool(len(held)))
            own = {"X_val": tables["validation"][held], "y_val": target} if len(held) else {}
            model.fit(tables["train"][rows], y, **own)
        for part, table in tables.items():
            found[part][task.name] = _output(task, model, table)
    return found


def _linear(tasks, parts, seed):
    from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso
    from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor

    tables = {part: _one_hot(x, parts["train"][0]) for part, (x, _, _) in parts.items()}
    found = {part: {} for part in tables}
    numbers = [task for task in tasks if task.kind == "regression"]
    together = _all_labelled(numbers, parts["train"])
    groups = [numbers] if len(numbers) > 1 and len(together) else [[task] for task in numbers]
    for group in groups:
        rows = _all_labelled(group, parts["train"])
        y = np.stack([parts["train"][1][task.name][rows] for task in group], axis=1).astype("float64")
        mean, std = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
        tried = []
        for penalty in PENALTIES:
            model = MultiTaskLasso(alpha=penalty) if len(group) > 1 else MultiOutputRegressor(Lasso(alpha=penalty))
            model.fit(tables["train"][rows], (y - mean) / std)
            tried.append({part: model.predict(table).reshape(len(table), -1) * std + mean for part, table in tables.items()})
        chosen = tried[_best(group, tried, parts["validation"])]
        for part, values in chosen.items():
            found[part] |= {task.name: values[:, [place]] for place, task in enumerate(group)}
    for task in [task for task in tasks if task.kind != "regression"]:
        rows, y = _labelled(task, parts["train"])
        if len(np.unique(y)) == 1:
            model = _Constant(y[0])
        else:
            model = MultiOutputClassifier(LogisticRegression(max_iter=1000)).fit(tables["train"][rows], y[:, np.newaxis]).estimators_[0]
        for part, table in tables.items():
            found[part][task.name] = _output(task, model, table)
    return found


class _Constant:
    """Says the only class that it has seen."""

    def __init__(self, label):
        self.classes_ = np.array([label])

    def predict_proba(self, table):
        return np.ones((len(table), 1))


def _best(group, tried, validation):
    """The place of the penalty with the best mean rank on validation, of equals the first."""
    _, labels, weights = validation
    results = {
        str(place): _score.score(group, {task.name: values["validation"][:, [at]] for at, task in enumerate(group)}, labels, weights)
        for place, values in enumerate(tried)
    }
    ranks = evaluation.mean_ranks(results, group)
    return min(range(len(tried)), key=lambda place: ranks[str(place)])


def _output(task, model, table):
    """What a model says as outputs of the task, [rows, units]: numbers, or probabilities (logits where the task has these)."""
    if task.kind == "regression":
        return model.predict(table)[:, np.newaxis]
    found = np.zeros((len(table), max(task.units, 2)))
    found[:, np.asarray(model.classes_, int)] = model.predict_proba(table)
    logs = np.log(np.clip(found, 1e-7, 1.0))
    if task.kind == "binary":
        return (logs[:, 1:] - logs[:, :1]) if task.activation == "linear" else found[:, 1:]
    return logs if task.activation == "linear" else found


def _labelled(task, part):
    _, labels, weights = part
    rows = np.flatnonzero(weights[task.name] > 0)
    return rows, labels[task.name][rows]


def _all_labelled(tasks, part):
    """The rows that have a label of every one of the tasks."""
    return np.flatnonzero(np.all([part[2][task.name] > 0 for task in tasks], axis=0)) if tasks else np.array([], int)


def _columns(x):
    """The encoded columns side by side, float64: ids, then numbers."""
    parts = [np.where(x["categories"] < MOST_IDS, x["categories"], 0)] if "categories" in x else []
    return np.concatenate([*parts, *([x["numbers"]] if "numbers" in x else [])], axis=1).astype("float64")


def _one_hot(x, train):
    """The encoded columns with one-hot categories, of the ids that training rows have, float32."""
    parts = [x["numbers"]] if "numbers" in x else []
    if "categories" in x:
        for place in range(train["categories"].shape[1]):
            known = np.unique(train["categories"][:, place])
            parts.append(x["categories"][:, [place]] == known[known < MOST_IDS])
    return np.concatenate(parts, axis=1).astype("float32")
