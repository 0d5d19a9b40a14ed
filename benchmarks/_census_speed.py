"""Steps a second on census-income, pipeline included: the part of `experts.py --network census [--peers]`."""

import pathlib
import statistics
import time

import _census_peers
import keras
import tensorflow as tf
from keras import layers

import mtlzoo
from mtlzoo import trunks
from mtlzoo.data.sources import census_income

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / "census_income"


def main(arguments, bodies):
    """Times the rows and prints a table.

    Args:
        arguments: those of `experts.py`.
        bodies: by model, the function that gives what each task's tower reads in plain Keras.
    """
    splits = census_income(arguments.data_dir or (FOLDER if FOLDER.is_dir() else None), batch_size=arguments.batch_size)
    options = tf.data.Options()
    options.autotune.enabled = False
    feeds = {
        "pipeline": splits.train.with_options(options).repeat(),
        "one batch": tf.data.Dataset.from_tensors(next(iter(splits.train))).cache().repeat().prefetch(2).with_options(options),
    }
    makers = {name: _maker(name, splits, arguments) for name in ("hard_sharing", "mmoe", "ple") if name in mtlzoo.architectures.names()}
    makers |= {f"plain: {name}": _plain_maker(bodies[name], splits, arguments) for name in ("hard_sharing", "mmoe")}
    models = {name: make() for name, make in makers.items()}
    times = {(name, feed): [] for name in models for feed in feeds}
    for turn in range(arguments.repeats + 1):
        for name, feed in times:
            start = time.perf_counter()
            models[name].fit(feeds[feed].take(arguments.steps), verbose=0, shuffle=False)
            times[name, feed] += [(time.perf_counter() - start) / arguments.steps] if turn else []  # The first turn warms up.
    print(
        f"census-income, batch {arguments.batch_size}, embeddings 8, experts 4 × {arguments.units}, towers {arguments.tower}, "
        f"{arguments.steps} steps a turn, median of {arguments.repeats} turns"
    )
    print(f"{'row':<28}{'feed':<12}{'steps/s':>8}{'best':>8}{'parameters':>12}")
    for (name, feed), seconds in times.items():
        print(f"{name:<28}{feed:<12}{1 / statistics.median(seconds):>8.1f}{1 / min(seconds):>8.1f}{models[name].count_params():>12,}")
    if arguments.peers:
        for name, (median, best) in _census_peers.rates(splits, arguments).items():
            print(f"{name:<28}{'its own':<12}{median:>8.1f}{best:>8.1f}")


def _maker(name, splits, arguments):
    trunk = trunks.tabular(splits.encoder.sizes, units=arguments.units)
    experts = {"mmoe": {"experts": 4}, "ple": {"shared": 2, "own": 1}}.get(name, {})
    return lambda: mtlzoo.architectures.get(name)(splits.inputs, splits.tasks, trunk=trunk, tower=(arguments.tower,), **experts)


def _plain_maker(body, splits, arguments):
    return lambda: plain(body, splits, arguments)


def plain(body, splits, arguments):
    """The network with an `Embedding` a column and a `Dense` an expert, as a reader of Keras' examples would write it."""
    inputs = {key: keras.Input(shape[:1], dtype=shape[1] if len(shape) > 1 else None, name=key) for key, shape in splits.inputs.items()}
    columns = keras.ops.unstack(inputs["categories"], axis=1)
    parts = [layers.Embedding(size, 8)(column) for size, column in zip(splits.encoder.sizes, columns, strict=True)]
    x = layers.Concatenate()([*parts, inputs["numbers"]])
    reads = body(x, len(splits.tasks), 4, arguments.units)
    towers = {task.name: layers.Dense(arguments.tower, activation="relu")(read) for task, read in zip(splits.tasks, reads, strict=True)}
    outputs = {name: layers.Dense(1, activation="sigmoid", name=name)(tower) for name, tower in towers.items()}
    model = keras.Model(inputs, outputs)
    metrics = {task.name: task.make_metrics() for task in splits.tasks}
    model.compile("adam", loss=dict.fromkeys(outputs, "binary_crossentropy"), weighted_metrics=metrics, steps_per_execution=32)
    return model
