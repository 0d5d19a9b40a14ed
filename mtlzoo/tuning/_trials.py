"""The trials of a folder as a table."""

import json
import math

PROJECT = "trials"
RECORD = "record.json"


def read(folder, tasks):
    """Returns a `pandas.DataFrame` of the trials in the order of their start, one row each, from what their folders hold.

    Args:
        folder: a `pathlib.Path`.
        tasks: the tasks.
    """
    import pandas as pd

    rows = []
    for name in _started(folder):
        status = _json(folder / PROJECT / f"trial_{name}" / "trial.json").get("status", "RUNNING")
        kept = record(folder, name) if status != "RUNNING" else {}
        row = {"trial": name, "status": status.lower(), "score": _number(kept.get("score"))}
        row |= {"architecture": kept.get("architecture"), "balancer": kept.get("balancer")}
        row |= {f"alpha_{task.name}": _number(kept.get("alphas", {}).get(task.name)) for task in tasks}
        row |= kept.get("arguments", {})
        row |= {f"val_{task.monitor_key}": _number(kept.get("logs", {}).get(f"val_{task.monitor_key}")) for task in tasks}
        row |= {"epochs": _number(kept.get("epochs")), "seconds": _number(kept.get("seconds")), "message": kept.get("message")}
        rows.append(row)
    return pd.DataFrame(rows, columns=_columns(rows, tasks))


def values(folder, name):
    """Returns the values of the hyperparameters of a trial."""
    return _json(folder / PROJECT / f"trial_{name}" / "trial.json")["hyperparameters"]["values"]


def record(folder, name):
    """Returns what was kept of a trial, empty where it has not ended."""
    return _json(folder / PROJECT / f"trial_{name}" / RECORD)


def first_message(frame):
    """Returns why the first failed trial failed."""
    found = [message for message in frame["message"] if isinstance(message, str)]
    return found[0] if found else "no reason was kept"


def _started(folder):
    return _json(folder / PROJECT / "oracle.json").get("start_order", [])


def _columns(rows, tasks):
    """Columns in one order, also where the first trials lack an argument that later ones have."""
    first = ["trial", "status", "score", "architecture", "balancer", *[f"alpha_{task.name}" for task in tasks]]
    last = [*[f"val_{task.monitor_key}" for task in tasks], "epochs", "seconds", "message"]
    arguments = dict.fromkeys(key for row in rows for key in row if key not in (*first, *last))
    return [*first, *arguments, *last]


def _json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _number(value):
    return math.nan if value is None else value
