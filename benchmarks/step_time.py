"""Time of a training step under `fit`, as ratios within one run: `python benchmarks/step_time.py [--tasks 2 8] [--balancers pcgrad mgda]`.

The network is the mission's (Conv32–pool–Conv64–pool–Dense64) with a Dense head a task, on 28×28 images, or with `--network lenet` the
LeNet of the balancing benchmarks (10 filters of 5×5, 20 of 5×5, Dense 50). Every row is timed against a plain `keras.Model` of the same
layers, losses, metrics and `loss_weights`, on the same data, in pairs that follow one another; the median of the pairs' ratios is printed,
with the time of the first step (tracing). Wanted: `none` ≤ 1.05; balancers of losses ≤ 1.05 (FAMO ≤ 1.4); of gradients, at T = 8:
`at="representation"` ≤ 1.15, and `every=10` ≤ 1.3. Rows are `name`, `name/representation` and `name/every10`.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, balancing, trunks

SHAPE = (28, 28, 1)


NETWORKS = {"mission": ((32, 64), 3, 64), "lenet": ((10, 20), 5, 50)}


def plain_keras(names, network):
    """The same network in Keras alone."""
    filters, kernel, dense = NETWORKS[network]
    x = h = keras.Input(SHAPE)
    for width in filters:
        h = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(width, kernel, activation="relu")(h))
    h = keras.layers.Dense(dense, activation="relu")(keras.layers.Flatten()(h))
    model = keras.Model(x, {name: keras.layers.Dense(10, activation="softmax", name=name)(h) for name in names})
    model.compile(
        "adam",
        loss=dict.fromkeys(names, "sparse_categorical_crossentropy"),
        loss_weights=dict.fromkeys(names, 1.0),
        weighted_metrics={name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] for name in names},
    )
    return model


def made(row):
    """The balancer of a row: a name, with `/representation` or `/every10` behind it."""
    name, _, mode = row.partition("/")
    if not mode:
        return None if name == "none" else balancing.get(name)
    config = balancing.get(name).get_config() | ({"at": "representation"} if mode == "representation" else {"every": int(mode[5:])})
    return type(balancing.get(name)).from_config(config)


def ours(names, network, balancer):
    """The network from a builder."""
    filters, kernel, dense = NETWORKS[network]
    trunk = trunks.cnn(filters, kernel=kernel, dense=(dense,), padding="valid")
    return mtlzoo.architectures.hard_sharing(SHAPE, [Task.multiclass(name, 10) for name in names], trunk=trunk, balancer=balancer)


def seconds(model, data):
    """Wall time of one epoch of `fit`."""
    start = time.perf_counter()
    model.fit(data, verbose=0, shuffle=False)
    return time.perf_counter() - start


def main():
    """Times the rows and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8], help="numbers of tasks")
    rows = ["none", "uncertainty_weighting", "famo", "pcgrad", "pcgrad/representation", "pcgrad/every10", "mgda", "upgrad", "nash_mtl"]
    parser.add_argument("--balancers", nargs="+", default=rows, help="rows to time")
    parser.add_argument("--network", choices=list(NETWORKS), default="lenet")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60, help="steps an epoch")
    parser.add_argument("--repeats", type=int, default=9, help="paired epochs")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"batch {arguments.batch_size}, {arguments.steps} steps an epoch, median of {arguments.repeats} pairs, {os.cpu_count()} cores")
    print(f"\n{'tasks':>5}  {'balancer':<24} {'ms a step':>9} {'plain Keras':>11} {'ratio':>6}  {'range':<11} {'first step, s':>13}")
    for count in arguments.tasks:
        names = [f"t{index}" for index in range(count)]
        x = rng.random((arguments.batch_size, *SHAPE), "float32")
        batch = (x, {name: rng.integers(0, 10, len(x)) for name in names}, {name: np.ones(len(x), "float32") for name in names})
        data = tf.data.Dataset.from_tensors(batch).cache().repeat(arguments.steps).prefetch(2)
        plain = plain_keras(names, arguments.network)
        seconds(plain, data)
        for row in arguments.balancers:
            model = ours(names, arguments.network, made(row))
            first = seconds(model, data.take(1))
            seconds(model, data)
            pairs = [(seconds(model, data), seconds(plain, data)) for _ in range(arguments.repeats)]
            ratios = [own / base for own, base in pairs]
            mine, theirs = (statistics.median(times) * 1e3 / arguments.steps for times in zip(*pairs, strict=True))
            spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
            print(f"{count:>5}  {row:<24} {mine:>9.2f} {theirs:>11.2f} {statistics.median(ratios):>6.3f}  {spread:<11} {first:>13.1f}")


if __name__ == "__main__":
    main()
