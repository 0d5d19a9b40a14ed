"""Time of a training step under `fit`, as ratios within one run: `python benchmarks/step_time.py [--tasks 2 8]`.

The network is the mission's (Conv32–pool–Conv64–pool–Dense64, a Dense head a task) on 28×28 images. Every row is timed against a plain
`keras.Model` of the same layers, losses, metrics and `loss_weights`, on the same data, in pairs that follow one another; the median of the
pairs' ratios is printed. Wanted: `balancer=None` at most 1.05.
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


def plain_keras(names):
    """The same network in Keras alone."""
    x = h = keras.Input(SHAPE)
    for layer in (keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D(2)):
        h = layer(h)
    for layer in (keras.layers.Conv2D(64, 3, activation="relu"), keras.layers.MaxPooling2D(2), keras.layers.Flatten()):
        h = layer(h)
    h = keras.layers.Dense(64, activation="relu")(h)
    model = keras.Model(x, {name: keras.layers.Dense(10, activation="softmax", name=name)(h) for name in names})
    model.compile(
        "adam",
        loss=dict.fromkeys(names, "sparse_categorical_crossentropy"),
        loss_weights=dict.fromkeys(names, 1.0),
        weighted_metrics={name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] for name in names},
    )
    return model


def ours(names, balancer):
    """The network from a builder."""
    trunk = trunks.cnn((32, 64), dense=(64,), padding="valid")
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
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60, help="steps an epoch")
    parser.add_argument("--repeats", type=int, default=9, help="paired epochs")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"batch {arguments.batch_size}, {arguments.steps} steps an epoch, median of {arguments.repeats} pairs, {os.cpu_count()} cores")
    print(f"\n{'tasks':>5}  {'balancer':<24} {'ms a step':>9} {'plain Keras':>11} {'ratio':>6}  {'range':<11}")
    for count in arguments.tasks:
        names = [f"t{index}" for index in range(count)]
        x = rng.random((arguments.batch_size, *SHAPE), "float32")
        batch = (x, {name: rng.integers(0, 10, len(x)) for name in names}, {name: np.ones(len(x), "float32") for name in names})
        data = tf.data.Dataset.from_tensors(batch).cache().repeat(arguments.steps).prefetch(2)
        plain = plain_keras(names)
        seconds(plain, data)
        for balancer in (None, *balancing.names()):
            model = ours(names, balancer)
            seconds(model, data)
            pairs = [(seconds(model, data), seconds(plain, data)) for _ in range(arguments.repeats)]
            ratios = [own / base for own, base in pairs]
            mine, theirs = (statistics.median(times) * 1e3 / arguments.steps for times in zip(*pairs, strict=True))
            spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
            print(f"{count:>5}  {balancer or 'none':<24} {mine:>9.2f} {theirs:>11.2f} {statistics.median(ratios):>6.3f}  {spread}")


if __name__ == "__main__":
    main()
