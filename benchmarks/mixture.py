"""Reading speed and memory of mixtures, as ratios within one run: `python benchmarks/mixture.py [--data-dir DIR]`.

Three questions, each asked in pairs that follow one another, so that the machine's other work falls on both; the median of
the pairs' ratios is printed.

1. Merged: the rows a second of `mixed` over the rows a second of the same data sets, each read by itself. Wanted: at least 0.9.
2. In memory: `aligned`, shuffled over all rows, over `from_tensor_slices(...).shuffle(rows).batch(b)`. Wanted: at least 5.
3. Memory: resident set after each epoch of `mixed`. Wanted: flat.
"""

import argparse
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from mtlzoo import Task, data
from mtlzoo.data.sources import _tfds

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "tfds"
BATCH = 256


@tf.function
def consume(dataset):
    """Reads a data set to its end in the graph, as the steps of `fit` do."""
    count = tf.constant(0)
    for _ in dataset:
        count += 1
    return count


def seconds(*datasets):
    """Wall time of one epoch of all data sets, one after the other."""
    start = time.perf_counter()
    for dataset in datasets:
        consume(dataset)
    return time.perf_counter() - start


def compared(name, rows, ours, theirs, wanted, repeats):
    """Prints the median over paired repeats of how much faster `ours` reads than `theirs`, both lists of data sets of `rows` rows."""
    seconds(*ours), seconds(*theirs)
    pairs = [(seconds(*ours), seconds(*theirs)) for _ in range(repeats)]
    ratios = [base / own for own, base in pairs]
    speeds = [rows / statistics.median(times) / 1e6 for times in zip(*pairs, strict=True)]
    spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
    print(f"{name:<44} {speeds[0]:>9.3f} {speeds[1]:>9.3f} {statistics.median(ratios):>7.2f} {spread:>13} {wanted:>7}")


def image_sets(folder):
    """Two image sets as {name: (arrays, stream)}: MNIST and Fashion-MNIST of TFDS, or pairs of digits where they are not there."""
    if folder is not None and pathlib.Path(folder).is_dir():
        opened = [_tfds.opened(name, folder) for name in ("mnist", "fashion_mnist")]
        return {one.name: (one.arrays("train", one.rows("train")), one.stream("train")) for one in opened}
    from sklearn.datasets import load_digits

    digits = load_digits()
    made = {
        name: data.overlay(digits.images.astype("uint8"), digits.target, rows, shift=4, margin=0)[:2]
        for name, rows in (("one", 20_000), ("two", 40_000))
    }
    return {name: (arrays, tf.data.Dataset.from_tensor_slices(arrays)) for name, arrays in made.items()}


def resident():
    """Resident set of this process in MiB (Linux)."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    """Runs the three comparisons and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", default=SHARED if SHARED.is_dir() else None, help="folder of prepared TFDS data")
    parser.add_argument("--repeats", type=int, default=7, help="paired repeats of each comparison")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of the memory test")
    arguments = parser.parse_args()
    sets = image_sets(arguments.data_dir)
    tasks = {name: Task.multiclass(name, 10) for name in sets}
    arrays, streams = ({name: pair[kind] for name, pair in sets.items()} for kind in (0, 1))
    rows = sum(len(labels) for _, labels in arrays.values())
    print(f"{rows} rows of {' + '.join(sets)}, batches of {BATCH}, {os.cpu_count()} cores, median of {arguments.repeats} paired repeats\n")
    print(f"{'million rows a second':<44} {'ours':>9} {'other':>9} {'ratio':>7} {'range':>13} {'wanted':>7}")

    def alone(given, **options):
        return [data.mixed({name: given[name]}, [task], batch_size=BATCH, **options) for name, task in tasks.items()]

    for normalize in (None, "unit"):
        merged = data.mixed(arrays, tasks.values(), batch_size=BATCH, normalize=normalize)
        label = "uint8" if normalize is None else "float32 in [0, 1]"
        compared(f"merged / unmerged, memory, {label}", rows, [merged], alone(arrays, normalize=normalize), "≥ 0.9", arguments.repeats)
    merged = data.mixed(streams, tasks.values(), batch_size=BATCH)
    few = max(3, arguments.repeats // 2)
    compared("merged / unmerged, streams", rows, [merged], alone(streams), "≥ 0.9", few)
    plain = [stream.shuffle(10_000).batch(BATCH).prefetch(tf.data.AUTOTUNE) for stream in streams.values()]
    compared("merged / unmerged plain tf.data, streams", rows, [merged], plain, "≥ 0.9", few)

    name = max(arrays, key=lambda key: len(arrays[key][1]))
    x, labels = arrays[name]
    ours = data.aligned((x, {name: labels}), [tasks[name]], batch_size=BATCH)
    buffered = tf.data.Dataset.from_tensor_slices((x, {name: labels}, {name: np.ones(len(x), "float32")}))
    buffered = buffered.shuffle(len(x)).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    compared("in memory / from_tensor_slices.shuffle.batch", len(x), [ours], [buffered], "≥ 5", few)

    merged, sizes = data.mixed(arrays, tasks.values(), batch_size=BATCH, normalize="unit"), []
    for _ in range(arguments.epochs):
        seconds(merged)
        sizes.append(resident())
    print(f"\nresident MiB after each of {len(sizes)} epochs of mixed: {' '.join(f'{size:.0f}' for size in sizes)}")


if __name__ == "__main__":
    main()
