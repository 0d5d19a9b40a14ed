"""Time that Gram balancers take for their weights: `python benchmarks/solver_time.py [--tasks 2 8 32 64] [--balancers upgrad mgda]`.

Each balancer is called on random Gram matrices in one loop inside the graph, so that Python's part is not counted; a row of the table gives
the median over the repeats of such a loop (in brackets the least), in ms a call. The task gradients have a common direction and noise of
their own (`--kind typical`, one pair in three conflicts), conflict wherever they can (`noise`), or also differ in length over four decades
(`unlike`). Wanted: up to 32 tasks at most 2 % of the step, whose T backward passes through the LeNet of `step_time.py` take 13.4 / 39.3 /
159 ms for T = 2 / 8 / 32 with two threads. What is over that has a `!`.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from mtlzoo import balancing

STEPS = {2: 13.4, 8: 39.3, 32: 159.0}
SHARE = 0.02


def grams(count, calls, kind, rng):
    """Random Gram matrices [calls, T, T]."""
    rows = rng.normal(size=(calls, count, 4 * count + 20))
    if kind != "noise":
        common = rng.normal(size=(calls, 1, rows.shape[-1]))
        rows = rows + 0.6 * common
    if kind == "unlike":
        rows = rows * 10.0 ** rng.uniform(-2, 2, size=(calls, count, 1))
    return rows @ rows.transpose(0, 2, 1)


def looped(balancer, count):
    """Returns a compiled function of Gram matrices [calls, T, T] and losses that sums the weights of all calls."""
    balancer.set_tasks(["regression"] * count)

    @tf.function
    def run(matrices, losses):
        present = tf.ones(count, "bool")

        def body(index, total):
            return index + 1, total + tf.cast(balancer(losses, present, matrices[index]), "float64")

        start = (0, tf.zeros(count, "float64"))
        return tf.while_loop(lambda index, _: index < len(matrices), body, start, parallel_iterations=1)[1]

    return run


def milliseconds(name, count, arguments):
    """The median and the least time of one call, in ms."""
    matrices = tf.constant(grams(count, arguments.calls, arguments.kind, np.random.default_rng(count)))
    losses = tf.constant(np.linspace(0.5, 2.0, count), "float32")
    run, times = looped(balancing.get(name), count), []
    for repeat in range(arguments.repeats + 2):
        start = time.perf_counter()
        weights = run(matrices, losses).numpy()
        if repeat > 1:
            times.append((time.perf_counter() - start) * 1e3 / arguments.calls)
        if not np.all(np.isfinite(weights)):
            raise ValueError(f"{name} gave weights that are not finite for {count} tasks.")
    return statistics.median(times), min(times)


def main():
    """Times the balancers and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    gram = [name for name in balancing.names() if balancing.get(name).needs == "gram"]
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8, 32, 64], help="numbers of tasks")
    parser.add_argument("--balancers", nargs="+", default=gram, help="balancers to time")
    parser.add_argument("--kind", choices=["typical", "noise", "unlike"], default="typical", help="sort of gradients")
    parser.add_argument("--calls", type=int, default=50, help="calls in one loop")
    parser.add_argument("--repeats", type=int, default=15, help="loops")
    arguments = parser.parse_args()
    print(
        f"{arguments.kind} gradients, {arguments.calls} calls a loop, {arguments.repeats} loops, {os.cpu_count()} cores; "
        "ms a call: median (least)"
    )
    print(f"\n{'balancer':<14}" + "".join(f"{f'T = {count}':>19}" for count in arguments.tasks))
    for name in arguments.balancers:
        line = f"{name:<14}"
        for count in arguments.tasks:
            median, least = milliseconds(name, count, arguments)
            mark = "!" if median > SHARE * STEPS.get(count, float("inf")) else " "
            line += f"{f'{median:.3f} ({least:.3f}){mark}':>19}"
        print(line, flush=True)
    print(f"{'wanted':<14}" + "".join(f"{f'{SHARE * STEPS[count]:.3f} ':>19}" if count in STEPS else " " * 19 for count in arguments.tasks))


if __name__ == "__main__":
    main()
