"""The main job on real images: MNIST and Fashion-MNIST in one model: `python benchmarks/main_job.py [--data-dir DIR]`.

Protocol: the two TFDS sets merged with every row once an epoch; the mission's network (Conv32–pool–Conv64–pool–Dense64, valid padding), a
head a task, Adam 1e-3, batch 256, 5 epochs, final weights; single-task baselines of the same trunk and budget, and uncertainty weighting,
beside it; test accuracy, mean ± 95 % confidence interval (Student's t) over seeds. Nothing is chosen on the test. Wanted of hard sharing:
MNIST ≥ 98.0 %, Fashion-MNIST ≥ 88.0 %.
"""

import argparse
import os
import pathlib
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from scipy import stats

import mtlzoo
from mtlzoo import data, trunks
from mtlzoo.evaluation import delta_m

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "tfds"
METHODS = {
    "hard_sharing, equal weights": ("hard_sharing", None),
    "hard_sharing, uncertainty": ("hard_sharing", "uncertainty_weighting"),
    "single_task": ("single_task", None),
}


def run(method, arguments, seed):
    """Trains one model; returns its test metrics, seconds of training and parameters."""
    splits = data.load(arguments.data, arguments.data_dir, batch_size=256, seed=seed)
    name, balancer = METHODS[method]
    trunk = trunks.cnn((32, 64), dense=(64,), padding="valid")
    builder = mtlzoo.architectures.get(name)
    model = builder(splits.inputs, splits.tasks, trunk=trunk, optimizer=keras.optimizers.Adam(1e-3), balancer=balancer, seed=seed)
    start = time.perf_counter()
    model.fit(splits.train, epochs=arguments.epochs, verbose=0)
    taken = time.perf_counter() - start
    return model.evaluate(splits.test, return_dict=True, verbose=0), taken, model.count_params(), splits.tasks


def interval(values):
    """Mean and half the 95 % confidence interval."""
    values = np.asarray(values)
    if len(values) < 2:
        return f"{values.mean():.2f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.2f} ± {half:.2f}"


def main():
    """Runs all methods and seeds and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="mnist+fashion_mnist")
    parser.add_argument("--data-dir", default=SHARED if SHARED.is_dir() else None, help="folder of prepared TFDS data")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    found = {method: [run(method, arguments, seed) for seed in range(arguments.seeds)] for method in METHODS}
    tasks = found["single_task"][0][3]
    print(f"{arguments.data}, {arguments.epochs} epochs, batch 256, seeds 0–{arguments.seeds - 1}; test accuracy in %, mean ± 95 % CI\n")
    columns = [task.name for task in tasks]
    header = f"{'':<28}" + "".join(f"{name:>16}" for name in columns)
    print(header + f"{'Δm, %':>16}{'parameters':>12}{'seconds':>9}")
    for method, runs in found.items():
        accuracy = [interval([100 * logs[task.monitor_key] for logs, *_ in runs]) for task in tasks]
        change = [delta_m(logs, base, tasks) for (logs, *_), (base, *_) in zip(runs, found["single_task"], strict=True)]
        cells = "".join(f"{cell:>16}" for cell in accuracy) + f"{interval(change) if method != 'single_task' else '–':>16}"
        print(f"{method:<28}{cells}{runs[0][2]:>12,}{np.mean([taken for _, taken, *_ in runs]):>9.0f}")
    print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


if __name__ == "__main__":
    main()
