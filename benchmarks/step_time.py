"""Time of a training step, as ratios within one run: `python benchmarks/step_time.py [--tasks 2 8] [--balancers pcgrad mgda/every10]`.

The network is the LeNet of the balancing benchmarks (10 filters of 5×5, 20 of 5×5, Dense 50), or with `--network mission` the mission's
(Conv32–pool–Conv64–pool–Dense64), with a Dense head a task, on 28×28 images. All rows take turns, epoch by epoch; printed are the median
time of a step, and medians of the ratios to rows of the same turn: to `raw`, a compiled step of the same network without Keras' `fit`;
to `raw-T`, the same with T backward passes in the place of one; and to `none`, ours without a balancer. Rows of ours are balancers by
name, with `/representation` or `/every10` behind it; `keras` is Keras' own `fit`. `--peers` adds LibMTL and TorchJD where installed.

Wanted: `none` ≤ 1.2 × raw; balancers of losses ≤ 1.05 × none (FAMO ≤ 1.4); of gradients ≤ 1.05 × raw-T and, at T = 2 and 8, 1.4 times
as fast as LibMTL; at T = 8 `/representation` ≤ 1.15 × none and `/every10` ≤ 1.3 × none; first step at T = 32 under 20 s.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import _peers
import keras
import numpy as np
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, balancing, trunks

SHAPE = (28, 28, 1)
NETWORKS = {"mission": ((32, 64), 3, 64), "lenet": ((10, 20), 5, 50)}
ROWS = [
    *("none", "equal", "uncertainty_weighting", "famo", "pcgrad", "mgda", "cagrad", "nash_mtl", "upgrad"),
    *("pcgrad/representation", "pcgrad/every10"),
]


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


def raw(names, network, batch, passes):
    """A compiled step on a batch, with one backward pass or one a task; returns what takes a number of steps and gives the seconds."""
    model = plain_keras(names, network)
    loss, optimizer, variables = keras.losses.SparseCategoricalCrossentropy(), keras.optimizers.Adam(), model.trainable_variables
    optimizer.build(variables)
    x, labels = tf.constant(batch[0]), {name: tf.constant(values) for name, values in batch[1].items()}

    @tf.function
    def step():
        with tf.GradientTape(persistent=passes > 1) as tape:
            outputs = model(x, training=True)
            losses = [loss(labels[name], outputs[name]) for name in names]
            total = tf.add_n(losses)
        sources = [variable.value for variable in variables]
        if passes > 1:
            found = [tape.gradient(one, sources, unconnected_gradients="zero") for one in losses]
            gradients = [tf.add_n(parts) for parts in zip(*found, strict=True)]
        else:
            gradients = tape.gradient(total, sources)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return total

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            done = step()
        done.numpy()
        return time.perf_counter() - start

    return run


def fitted(model, data):
    """Returns what takes a number of steps under `fit` and gives the seconds."""

    def run(steps):
        start = time.perf_counter()
        model.fit(data.take(steps), verbose=0, shuffle=False)
        return time.perf_counter() - start

    return run


def runners(count, arguments):
    """Returns, by row, what takes a number of steps and gives the seconds."""
    names = [f"t{index}" for index in range(count)]
    rng = np.random.default_rng(0)
    x = rng.random((arguments.batch_size, *SHAPE), "float32")
    batch = (x, {name: rng.integers(0, 10, len(x)) for name in names}, {name: np.ones(len(x), "float32") for name in names})
    data = tf.data.Dataset.from_tensors(batch).cache().repeat().prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # Its thread would make the end of every short epoch wait, up to as long as the epoch was.
    data = data.with_options(options)
    found = {"raw": raw(names, arguments.network, batch, 1), "raw-T": raw(names, arguments.network, batch, count)}
    found["keras"] = fitted(plain_keras(names, arguments.network), data)
    rows = arguments.balancers if "none" in arguments.balancers else ["none", *arguments.balancers]
    found |= {row: fitted(ours(names, arguments.network, made(row)), data) for row in rows}
    if arguments.peers:
        peers = (x, list(batch[1].values()))
        found |= {row: _peers.stepper(row, count, peers) for row in _peers.available()}
    return found


def main():
    """Times the rows and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8], help="numbers of tasks")
    parser.add_argument("--balancers", nargs="+", default=ROWS, help="rows to time")
    parser.add_argument("--network", choices=list(NETWORKS), default="lenet")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=64, help="steps a turn")
    parser.add_argument("--repeats", type=int, default=9, help="turns")
    parser.add_argument("--peers", action="store_true", help="time LibMTL and TorchJD too")
    arguments = parser.parse_args()
    print(
        f"{arguments.network}, batch {arguments.batch_size}, {arguments.steps} steps a turn, median of {arguments.repeats} turns, "
        f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )
    bases = ("raw", "raw-T", "none")
    for count in arguments.tasks:
        found = runners(count, arguments)
        first = {row: run(1) for row, run in found.items()}
        for run in found.values():
            run(arguments.steps)
        times = {row: [] for row in found}
        for _ in range(arguments.repeats):
            for row, run in found.items():
                times[row].append(run(arguments.steps) * 1e3 / arguments.steps)
        print(f"\n{'T':>3}  {'row':<28} {'ms a step':>9}" + "".join(f" {'/ ' + base:>8}" for base in bases) + f" {'first, s':>9}")
        for row, values in times.items():
            ratios = [statistics.median(a / b for a, b in zip(values, times[base], strict=True)) for base in bases]
            print(
                f"{count:>3}  {row:<28} {statistics.median(values):>9.2f}" + "".join(f" {r:>8.3f}" for r in ratios) + f" {first[row]:>9.1f}"
            )


if __name__ == "__main__":
    main()
