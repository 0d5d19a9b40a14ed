"""The main job on real images: MNIST and Fashion-MNIST in one model: `python benchmarks/main_job.py [--data-dir DIR]`.

Protocol: the mission's network (Conv32–pool–Conv64–pool–Dense64, valid padding), a head a task, Adam 1e-3, 256 rows a step, 5 epochs, final
weights; all training images, since nothing is chosen; test accuracy, mean ± 95 % confidence interval (Student's t) over seeds. Two ways of
merging: `paired` puts 128 images of each set in every step, and an epoch is the longer set once (the shorter is read again and again);
`mixed` reads every image once an epoch. Uncertainty weighting and single-task baselines of the same trunk and budget stand beside it.
Wanted of hard sharing: MNIST ≥ 98.0 %, Fashion-MNIST ≥ 88.0 %. (The prepared MNIST in ../shared/tfds has 8,000 training images.)
"""

import argparse
import os
import pathlib
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from _intervals import interval

import mtlzoo
from mtlzoo import Task, data, trunks
from mtlzoo.data.sources import _tfds
from mtlzoo.evaluation import delta_m

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "tfds"
METHODS = {
    "paired: hard_sharing": ("paired", "hard_sharing", None),
    "paired: uncertainty weighting": ("paired", "hard_sharing", "uncertainty_weighting"),
    "paired: single_task": ("paired", "single_task", None),
    "mixed: hard_sharing": ("mixed", "hard_sharing", None),
    "mixed: single_task": ("mixed", "single_task", None),
}
BATCH = 256


def run(method, sets, arguments, seed):
    """Trains one model; returns its test metrics, seconds of training and parameters."""
    way, name, balancer = METHODS[method]
    tasks = [Task.multiclass(one.name, one.classes) for one, *_ in sets]
    train, test = ({task.name: part for task, part in zip(tasks, parts, strict=True)} for parts in list(zip(*sets, strict=True))[1:])
    if way == "paired":
        mixture = data.paired(train, tasks, batch_size=BATCH // len(tasks), seed=seed, normalize="unit")
    else:
        mixture = data.mixed(train, tasks, batch_size=BATCH, seed=seed, normalize="unit")
    trunk = trunks.cnn((32, 64), dense=(64,), padding="valid")
    builder = mtlzoo.architectures.get(name)
    model = builder(sets[0][0].shape, tasks, trunk=trunk, optimizer=keras.optimizers.Adam(1e-3), balancer=balancer, seed=seed)
    start = time.perf_counter()
    model.fit(mixture, epochs=arguments.epochs, verbose=0)
    taken = time.perf_counter() - start
    logs = model.evaluate(data.mixed(test, tasks, batch_size=BATCH, shuffle=False, normalize="unit"), return_dict=True, verbose=0)
    return logs, taken, model.count_params(), tasks


def main():
    """Runs all methods and seeds and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="mnist+fashion_mnist")
    parser.add_argument("--data-dir", default=SHARED if SHARED.is_dir() else None, help="folder of prepared TFDS data")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), help="rows of the table")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    sets = []
    for name in arguments.data.split("+"):
        one = _tfds.opened(name, arguments.data_dir)
        sets.append((one, one.arrays("train", one.rows("train")), one.arrays("test", one.rows("test"))))
    found = {method: [run(method, sets, arguments, seed) for seed in range(arguments.seeds)] for method in arguments.methods}
    tasks = next(iter(found.values()))[0][3]
    print(f"{arguments.data}, {arguments.epochs} epochs, {BATCH} rows a step, seeds 0–{arguments.seeds - 1}")
    print("test accuracy in %, mean ± 95 % CI\n")
    header = f"{'':<30}" + "".join(f"{task.name:>16}" for task in tasks)
    print(header + f"{'Δm, %':>16}{'parameters':>12}{'seconds':>9}")
    for method, runs in found.items():
        base = found.get(f"{METHODS[method][0]}: single_task", runs)
        accuracy = [interval([100 * logs[task.monitor_key] for logs, *_ in runs]) for task in tasks]
        change = [delta_m(logs, other, tasks) for (logs, *_), (other, *_) in zip(runs, base, strict=True)]
        cells = "".join(f"{cell:>16}" for cell in accuracy) + f"{'–' if runs is base else interval(change):>16}"
        print(f"{method:<30}{cells}{runs[0][2]:>12,}{np.mean([taken for _, taken, *_ in runs]):>9.0f}")
    print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


if __name__ == "__main__":
    main()
