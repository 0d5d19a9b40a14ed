"""The single-task models that Δm is taken against, trained once a search on the same terms."""

import json
import math

import keras

from mtlzoo import files

FILE = "baseline.json"


def train(space, folder, fit, *, seed):
    """Returns the results of single-task models by key of the logs (without `val_`): those of the folder, or of a training now.

    Each task has a model of its own, with alpha 1 and no balancer, and counts by the epoch that is best for it, as a trial counts
    by its best epoch.

    Args:
        space: what `_space.make` returned.
        folder: a `pathlib.Path`.
        fit: arguments of `fit` for data and epochs.
        seed: the seed.
    """
    path = folder / FILE
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    keras.utils.set_random_seed(seed)
    model = space.make("single_task", alone=True)
    history = model.fit(**fit).history
    results = {}
    for task in model.tasks:
        values = history[f"val_{task.monitor_key}"]
        sign = 1 if task.monitor[1] == "max" else -1
        best = max(range(len(values)), key=lambda epoch: (math.isfinite(values[epoch]), sign * values[epoch]))
        own = [key for key in history if key.startswith(f"val_{task.name}_")]
        results |= {key.removeprefix("val_"): float(history[key][best]) for key in own}
    files.write(path, as_json(results))
    return results


def as_json(results):
    """Returns results as the bytes of a JSON file."""
    return (json.dumps(dict(results), indent=2) + "\n").encode()
