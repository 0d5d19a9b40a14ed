"""Architectures on two images in one: `python benchmarks/multi_fashion.py [--epochs 10] [--seeds 3] [--architectures NAME …]`.

Protocol: all architectures of the registry that take images, with the same trunk, tower, optimizer and number of epochs; no balancer. The
pairs are those of seed 0, whatever the seed of the run, which decides initial weights and the order. After every epoch the model is
judged on validation, and the weights of the best epoch (mean accuracy of the tasks) are judged on the test; for `single_task`, whose
tasks have nothing in common, the best epoch of each task. Test accuracy and Δm against `single_task` of the same seed: mean ± 95 %
confidence interval over seeds. A step's time is that under `fit`, the median over all epochs but the first of a run.

Networks, with valid padding and ReLU. `sener_koltun`: conv 5×5×10, pool, conv 5×5×20, pool, dense 50, on 28×28; a task has dense 50 and
its head. `lin`: conv 9×9×10, pool, conv 5×5×20, pool, dense 50, on 36×36; a task has its head alone (31,910 parameters when hard-shared).
"""

import argparse
import os
import pathlib
import resource
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _intervals import interval
from keras import layers

import mtlzoo
from mtlzoo import data, trunks
from mtlzoo.evaluation import delta_m

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "tfds"


def network(composition):
    """Trunk and tower of the papers' networks."""
    if composition == "sener_koltun":
        return trunks.cnn((10, 20), kernel=5, dense=(50,), padding="valid"), (50,)
    stages = {
        "conv1": [layers.Conv2D(10, 9, activation="relu"), layers.MaxPooling2D(2)],
        "conv2": [layers.Conv2D(20, 5, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()],
        "dense1": layers.Dense(50, activation="relu"),
    }
    return trunks.Trunk(stages), ()


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch that is best on validation, for each group of tasks, and the time of each epoch's training.

    Args:
        groups: lists of tasks that are judged together, by the mean of their main metrics.
        train: the mixture that is trained on.
        first: which of its epochs is the first one.
    """

    def __init__(self, groups, train, first):
        super().__init__()
        self.groups, self.best, self.seconds = groups, [(-1.0, 0, None)] * len(groups), []
        self.train, self.first = train, first

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the order of the epoch and starts the clock."""
        data.start_at(self.train, self.first + epoch)
        self.start = time.perf_counter()

    def on_test_begin(self, logs=None):
        """Stops the clock: validation begins."""
        self.seconds.append(time.perf_counter() - self.start)

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the weights if they are the best so far."""
        for index, tasks in enumerate(self.groups):
            value = statistics.fmean(logs[f"val_{task.monitor_key}"] for task in tasks)
            if value > self.best[index][0]:
                self.best[index] = (value, epoch + 1, self.model.get_weights())


def build(name, splits, arguments, seed):
    """Returns a compiled model."""
    trunk, tower = network(arguments.composition)
    builder, optimizer = mtlzoo.architectures.get(name), keras.optimizers.Adam(arguments.learning_rate)
    return builder(splits.inputs, splits.tasks, trunk=trunk, tower=tower, optimizer=optimizer, seed=seed)


def run(name, splits, arguments, seed):
    """Trains one model; returns its test metrics, the epochs chosen, milliseconds a step and the number of parameters."""
    model = build(name, splits, arguments, seed)
    groups = [[task] for task in splits.tasks] if name == "single_task" else [splits.tasks]
    best = Best(groups, splits.train, seed * arguments.epochs)
    model.fit(splits.train, validation_data=splits.validation, epochs=arguments.epochs, callbacks=[best], verbose=0)
    found = {}
    for tasks, (_, _, weights) in zip(best.groups, best.best, strict=True):
        model.set_weights(weights)
        logs = model.evaluate(splits.test, return_dict=True, verbose=0)
        found |= {task.monitor_key: logs[task.monitor_key] for task in tasks}
    steps = int(splits.train.cardinality())
    step = statistics.median(best.seconds[1:]) / steps * 1e3 if arguments.epochs > 1 else float("nan")
    return found, [epoch for _, epoch, _ in best.best], step, model.count_params()


def row(name, runs, base, tasks):
    """A line of the table."""
    accuracy = [interval([100 * logs[task.monitor_key] for logs, *_ in runs]) for task in tasks]
    change = "–" if runs is base else interval([delta_m(own[0], other[0], tasks) for own, other in zip(runs, base, strict=True)])
    epochs = ",".join("/".join(map(str, chosen)) for _, chosen, *_ in runs)
    step = statistics.fmean(milliseconds for *_, milliseconds, _ in runs)
    return f"{name:<22}" + "".join(f"{cell:>16}" for cell in [*accuracy, change]) + f"{runs[0][3]:>12,}{step:>9.2f}  {epochs}"


def main():
    """Runs all architectures and seeds and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=["multi_fashion", "multi_mnist"], default="multi_fashion")
    parser.add_argument("--data-dir", default=SHARED if SHARED.is_dir() else None, help="folder of prepared TFDS data")
    parser.add_argument("--composition", choices=["sener_koltun", "lin"], default="sener_koltun")
    parser.add_argument("--architectures", nargs="+", choices=mtlzoo.architectures.names(), metavar="NAME", help="(default: all)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, help="the most rows of each split (default: all)")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of Adam")
    arguments = parser.parse_args()
    start = time.perf_counter()
    options = {"batch_size": arguments.batch_size, "limit": arguments.limit, "composition": arguments.composition}
    splits = data.sources.get(arguments.data)(arguments.data_dir, **options)
    print(
        f"{arguments.data}, {arguments.composition}, rows {dict(splits.sizes)}, {arguments.epochs} epochs of {arguments.batch_size} rows a "
        f"step, Adam {arguments.learning_rate:g}, seeds 0–{arguments.seeds - 1}\ntest accuracy in %, mean ± 95 % CI; best epochs by seed\n"
    )
    header = "".join(f"{task.name:>16}" for task in splits.tasks)
    print(f"{'':<22}{header}{'Δm, %':>16}{'parameters':>12}{'ms/step':>9}  epochs", flush=True)
    base, others = None, [name for name in arguments.architectures or mtlzoo.architectures.names() if name != "single_task"]
    for name in ["single_task", *others]:
        try:
            build(name, splits, arguments, seed=0)
        except (TypeError, ValueError) as error:  # An architecture for other inputs or tasks, which says so.
            print(f"{name:<22}not for these: {' '.join(str(error).split())[:100]}", flush=True)
            continue
        runs = [run(name, splits, arguments, seed) for seed in range(arguments.seeds)]
        base = base or runs
        print(row(name, runs, base, splits.tasks), flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"\n{time.perf_counter() - start:.0f} s, peak memory of the process: {memory:.0f} MiB")


if __name__ == "__main__":
    main()
