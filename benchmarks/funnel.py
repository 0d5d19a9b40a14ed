"""Conversion rates learnt from clicks, beside the truth of a simulation: `python benchmarks/funnel.py [--settings items model]`.

Rows are shown; some are clicked; conversions are seen for clicked rows alone, and what makes a row convert makes it clicked, so that
they are missing, and not at random. The simulation knows the conversion rate r(x) of every row, clicked or not. Two settings:

- `items`: x is one of many items with a hidden quality, and poor items are shown but hardly ever clicked: what a model of the clicked rows
  says of them is a guess. The trunk is an embedding, towers have one layer.
- `model`: x are two numbers, and heads without towers too simple for r(x): what fits best where there are clicks is wrong elsewhere.

Printed for each method: the bias of the mean conversion rate over all rows, in points, and the AUC of the rate for conversions that were
drawn from the truth for every row; mean ± 95 % confidence interval (Student's t) over seeds, of data and of models alike. `naive` is a
tower of its own, trained on clicked rows; `hard sharing` the same beside the click task on one trunk. Nothing is chosen on the truth:
all have the same trunk, towers, optimizer and epochs.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from scipy import stats

from mtlzoo import Task
from mtlzoo.architectures import conditionals, escm2, esmm, hard_sharing
from mtlzoo.trunks import Trunk

TASKS = [Task.binary("click", metrics=[]), Task.binary("buy", metrics=[])]
SETTINGS = ("items", "model")


def sigmoid(z):
    """The logistic function."""
    return 1 / (1 + np.exp(-z))


def simulated(setting, rows, seed):
    """Draws a log: inputs, labels click and buy (click and conversion), and the true conversion rate of every row."""
    rng = np.random.default_rng(seed)
    if setting == "items":
        quality = rng.normal(size=rows // 100)
        x = rng.integers(0, len(quality), (rows, 1))
        seen, rate = sigmoid(2 * quality - 2.5)[x[:, 0]], sigmoid(2 * quality - 1)[x[:, 0]]
        x = x.astype("int32")
    else:
        x = rng.normal(size=(rows, 2)).astype("float32")
        seen, rate = sigmoid(1.5 * x[:, 0] - 1.0), sigmoid(1.5 * np.abs(x[:, 0]) - 2 + 0.5 * x[:, 1])
    click = rng.uniform(size=rows) < seen
    return x, {"click": click.astype("float32"), "buy": (click & (rng.uniform(size=rows) < rate)).astype("float32")}, rate


def trunk(setting, x):
    """The trunk of a setting: an embedding, or nothing but the numbers themselves."""
    if setting == "items":
        return Trunk({"embedding": [layers.Embedding(int(x.max()) + 1, 4), layers.Flatten()]})
    return Trunk({"numbers": layers.Flatten()})


def fitted(method, setting, x, labels, seed, epochs=10):
    """Trains a method on a log and returns its conversion rate for every row."""
    options = {
        "trunk": trunk(setting, x),
        "tower": (8,) if setting == "items" else (),
        "seed": seed,
        "optimizer": keras.optimizers.Adam(0.01),
    }
    inputs = keras.Input((1,), dtype="int32") if setting == "items" else x.shape[1:]
    keras.utils.set_random_seed(seed)
    weights = None
    if method == "naive":
        seen = labels["click"] > 0
        model, x_train, labels = hard_sharing(inputs, TASKS[1:], **options), x[seen], {"buy": labels["buy"][seen]}
    elif method == "hard sharing":
        model, x_train, weights = hard_sharing(inputs, TASKS, **options), x, {"click": np.ones(len(x)), "buy": labels["click"]}
    else:
        model = esmm(inputs, TASKS, **options) if method == "esmm" else escm2(inputs, TASKS, estimator=method.split()[-1], **options)
        x_train = x
    model.fit(x_train, labels, sample_weight=weights, batch_size=512, epochs=epochs, verbose=0)
    rates = conditionals(model) if "es" in method else model
    return rates.predict(x, batch_size=8192, verbose=0)["buy"][:, 0]


METHODS = ("naive", "hard sharing", "esmm", "escm2 ipw", "escm2 dr")


def auc(rate, happened):
    """Area under the curve, ties counted half."""
    ranks = stats.rankdata(rate)
    positives = happened.sum()
    return (ranks[happened].sum() - positives * (positives + 1) / 2) / (positives * (len(rate) - positives))


def interval(values, digits):
    """Mean and half the 95 % confidence interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):+.{digits}f} ± {half:.{digits}f}"


def main():
    """Runs settings, methods and seeds, and prints a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for setting in arguments.settings:
        logs = [simulated(setting, arguments.rows, seed) for seed in range(arguments.seeds)]
        clicked = np.mean([labels["click"].mean() for _, labels, _ in logs])
        print(
            f"\n{setting}: {arguments.rows} rows, {100 * clicked:.1f} % clicked, {arguments.epochs} epochs, seeds 0–{arguments.seeds - 1}"
        )
        means = [(rate.mean(), rate[labels["click"] > 0].mean()) for _, labels, rate in logs]
        print(
            "true mean rate: {:.1f} % of all rows, {:.1f} % of clicked rows\n".format(
                *(100 * np.mean(part) for part in zip(*means, strict=True))
            )
        )
        print(f"{'':<14}{'bias of the mean rate, points':>32}{'AUC':>20}")
        for method in arguments.methods:
            found = []
            for seed, (x, labels, rate) in enumerate(logs):
                said = fitted(method, setting, x, labels, seed, arguments.epochs)
                happened = np.random.default_rng(1000 + seed).uniform(size=len(rate)) < rate
                found.append((100 * (said.mean() - rate.mean()), auc(said, happened)))
                keras.utils.clear_session()
            bias, area = zip(*found, strict=True)
            print(f"{method:<14}{interval(bias, 2):>32}{interval(area, 4).lstrip('+'):>20}", flush=True)


if __name__ == "__main__":
    main()
