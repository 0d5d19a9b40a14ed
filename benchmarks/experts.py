"""Mixtures of experts beside the same mathematics written plainly:
`python benchmarks/experts.py [--models mmoe ple hard_sharing] [--tasks 2 8 32] [--experts 4 8 32] [--units 128 64]`.

Random vectors [1024, 128], binary tasks with accuracy, experts Dense(128)–Dense(64), one softmax gate and one tower Dense(32) a task,
Adam, all under `fit`. `ple` has two levels, with E shared experts and one own of each task at both, and a shared gate at the first;
`hard_sharing` is one such expert that all tasks read. Rows: `ours` is the builder of `mtlzoo.architectures`; `plain` has one Keras layer
an expert, a gate and a tower, and Keras' own `fit` as it comes; `plain-32` has steps_per_execution=32, as ours has by itself. All rows
take turns; printed are the median of steps a second, the median of the ratios of one turn to `plain` and to `plain-32`, and the seconds
of building, compiling and the first step. For `mmoe` also the multiply-adds a second; `bare` runs the same products and no more, forward
and backward, as batched matrix products.

`--network census` times census-income instead, pipeline included: MMoE, hard sharing (and PLE) with embeddings of 8 for 31 columns,
beside one batch again and again, beside an `Embedding` a column and a `Dense` an expert in plain Keras (steps_per_execution=32), and with
`--peers` beside DeepCTR and torch-rechub.

Wanted: ours never slower than plain, and twice as fast at E = 32, T = 16 with small experts; 32 tasks built and stepped in 15 s; on
census-income 1.5 × DeepCTR and 3 × torch-rechub.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import _census_speed
import keras
import numpy as np
import tensorflow as tf
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks


def ours(name, count, experts, arguments):
    """The model of a builder."""
    tasks = [Task.binary(f"t{index}", metrics=["accuracy"]) for index in range(count)]
    options = {"mmoe": {"experts": experts}, "ple": {"own": 1, "shared": experts, "levels": arguments.units[-1:]}, "hard_sharing": {}}
    builder = mtlzoo.architectures.get(name)
    return builder((arguments.features,), tasks, trunk=trunks.mlp(arguments.units), tower=(arguments.tower,), **options[name])


def expert(x, widths):
    """One expert, a Keras layer a width."""
    for units in widths:
        x = layers.Dense(units, activation="relu")(x)
    return x


def mixture(x, features):
    """A softmax gate on x, and its mixture of features."""
    gate = layers.Dense(len(features), activation="softmax", use_bias=False)(x)
    rows = [layers.Reshape((1, part.shape[-1]))(part) for part in features]
    return layers.Dot(axes=(1, 1))([gate, layers.Concatenate(axis=1)(rows) if len(rows) > 1 else rows[0]])


def plain_hard_sharing(x, count, experts, units):
    """What each task's tower reads: one expert for all."""
    return [expert(x, units)] * count


def plain_mmoe(x, count, experts, units):
    """What each task's tower reads: its mixture of all experts."""
    features = [expert(x, units) for _ in range(experts)]
    return [mixture(x, features) for _ in range(count)]


def plain_ple(x, count, experts, units):
    """What each task's tower reads: the second mixture of its own expert and the shared ones."""
    own, shared = [expert(x, units) for _ in range(count)], [expert(x, units) for _ in range(experts)]
    mixed, common = [mixture(x, [mine, *shared]) for mine in own], mixture(x, [*own, *shared])
    own, shared = [expert(y, units[-1:]) for y in mixed], [expert(common, units[-1:]) for _ in range(experts)]
    return [mixture(y, [mine, *shared]) for y, mine in zip(mixed, own, strict=True)]


PLAIN = {"mmoe": plain_mmoe, "ple": plain_ple, "hard_sharing": plain_hard_sharing}


def plain(name, count, experts, arguments, bundled=1):
    """The same network with a Keras layer an expert, a gate and a tower."""
    x, outputs = keras.Input((arguments.features,)), {}
    for index, read in enumerate(PLAIN[name](x, count, experts, arguments.units)):
        outputs[f"t{index}"] = layers.Dense(1, activation="sigmoid", name=f"t{index}")(expert(read, [arguments.tower]))
    model = keras.Model(x, outputs)
    model.compile(
        "adam",
        loss=dict.fromkeys(outputs, "binary_crossentropy"),
        loss_weights=dict.fromkeys(outputs, 1.0),
        weighted_metrics={output: [keras.metrics.BinaryAccuracy(name="accuracy")] for output in outputs},
        steps_per_execution=bundled,
    )
    return model


def products(count, experts, arguments):
    """The matrix products of a forward pass of MMoE: (batch of products, rows, inner, columns, whether the left side has a gradient)."""
    rows, last = arguments.batch_size, arguments.units[-1]
    found, width = [], arguments.features
    for place, units in enumerate(arguments.units):
        found.append((1, rows, width, experts * units, False) if place == 0 else (experts, rows, width, units, True))
        width = units
    found.append((1, rows, arguments.features, count * experts, False))
    found.append((rows, count, experts, last, True))
    return [*found, (count, rows, last, arguments.tower, True), (count, rows, arguments.tower, 1, True)]


def multiply_adds(shapes):
    """Multiply-adds of a step: each product once forward, and backward once for either side that has a gradient."""
    return sum(batch * rows * inner * columns * (3 if both else 2) for batch, rows, inner, columns, both in shapes)


def bare(shapes):
    """Returns what takes a number of steps of nothing but the products, and gives the seconds."""
    rng = np.random.default_rng(0)
    sides = [
        [tf.constant(rng.random(shape, "float32")) for shape in ((b, m, k), (b, k, n), (b, m, n))] + [both] for b, m, k, n, both in shapes
    ]

    @tf.function
    def step():
        found = []
        for left, right, gradient, both in sides:
            found += [tf.matmul(left, right), tf.matmul(left, gradient, transpose_a=True)]
            found += [tf.matmul(gradient, right, transpose_b=True)] if both else []
        return [part[0, 0, 0] for part in found]

    step()

    def run(steps):
        start = time.perf_counter()
        for _ in range(steps):
            done = step()
        done[0].numpy()
        return time.perf_counter() - start

    return run


def fitted(make, data):
    """Returns what takes a number of steps under `fit`, and the seconds of building, compiling and the first step."""
    start = time.perf_counter()
    model = make()
    model.fit(data.take(1), verbose=0, shuffle=False)
    first = time.perf_counter() - start

    def run(steps):
        start = time.perf_counter()
        model.fit(data.take(steps), verbose=0, shuffle=False)
        return time.perf_counter() - start

    return run, first


def main():
    """Times the rows and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", default=list(PLAIN), choices=list(PLAIN), help="architectures")
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8, 32], help="numbers of tasks")
    parser.add_argument("--experts", type=int, nargs="+", default=[4, 8, 32], help="numbers of experts")
    parser.add_argument("--units", type=int, nargs="+", default=[128, 64], help="widths of an expert's layers")
    parser.add_argument("--tower", type=int, default=32, help="width of a task's tower")
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=64, help="steps a turn")
    parser.add_argument("--repeats", type=int, default=7, help="turns")
    parser.add_argument(
        "--network", choices=["vectors", "census"], default="vectors", help="random vectors, or census-income as it is read"
    )
    parser.add_argument("--data-dir", help="folder of census-income.test.gz")
    parser.add_argument("--peers", action="store_true", help="with --network census: time DeepCTR and torch-rechub too, where installed")
    arguments = parser.parse_args()
    if arguments.network == "census":
        _census_speed.main(arguments, PLAIN)
        return
    print(
        f"vectors [{arguments.batch_size}, {arguments.features}], experts {arguments.units}, towers {arguments.tower}, "
        f"{arguments.steps} steps a turn, median of {arguments.repeats} turns, {os.cpu_count()} cores, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )
    print(
        f"{'model':<12} {'T':>3} {'E':>3}  {'row':<9} {'steps/s':>8} {'× plain':>8} {'× plain-32':>10} {'first, s':>9} {'Gmadd/s':>8} "
        f"{'of bare':>8}"
    )
    for name in arguments.models:
        for count in arguments.tasks:
            for experts in arguments.experts if name != "hard_sharing" else [1]:
                compare(name, count, experts, arguments)


def compare(name, count, experts, arguments):
    """Times the rows of one architecture for one number of tasks and experts."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(arguments.batch_size, arguments.features)).astype("float32")
    labels = {f"t{index}": rng.integers(0, 2, len(x)).astype("float32") for index in range(count)}
    # The end of an iterator may wait for the autotuner of tf.data to wake up, every 10, 20, 40 … ms: times came out as powers of two.
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensors((x, labels)).cache().repeat().prefetch(2).with_options(options)
    makers = {
        "ours": lambda: ours(name, count, experts, arguments),
        "plain": lambda: plain(name, count, experts, arguments),
        "plain-32": lambda: plain(name, count, experts, arguments, bundled=32),
    }
    runs, shapes = {row: fitted(make, data) for row, make in makers.items()}, []
    if name == "mmoe":
        shapes = products(count, experts, arguments)
        runs["bare"] = bare(shapes), float("nan")
    times = {row: [] for row in runs}
    for turn in range(arguments.repeats + 1):
        for row, (run, _) in runs.items():
            seconds = run(arguments.steps) / arguments.steps
            times[row] += [seconds] if turn else []  # The first turn warms up.
    for row, seconds in times.items():
        median = statistics.median(seconds)
        ratios = [statistics.median(b / a for a, b in zip(seconds, times[base], strict=True)) for base in ("plain", "plain-32")]
        line = f"{name:<12} {count:>3} {experts:>3}  {row:<9} {1 / median:>8.1f} {ratios[0]:>8.2f} {ratios[1]:>10.2f} {runs[row][1]:>9.1f}"
        if shapes:
            floor = statistics.median(b / a for a, b in zip(seconds, times["bare"], strict=True))
            line += f" {multiply_adds(shapes) / median / 1e9:>8.1f} {floor:>8.0%}"
        print(line, flush=True)
    keras.utils.clear_session()


if __name__ == "__main__":
    main()
