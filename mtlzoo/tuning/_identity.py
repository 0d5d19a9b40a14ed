"""What a search is, in plain types: kept in its folder, so that a folder of another search is refused and not mixed up with it."""

import hashlib
import json
import math
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import files

FILE = "search.json"
WAIT = 3600  # As long as keras-tuner's workers wait for their chief.


def describe(space, score, *, search, epochs, seed, train, validation):
    """Returns all that decides which trials are run and how they score, as dict of what to plain types."""
    record = (
        keras.saving.serialize_keras_object(space.template.builder) if space.template.builder else {"name": type(space.template).__name__}
    )
    found = {
        "tasks": [task.get_config() for task in space.tasks],
        "search": search,
        "objective": {"name": score.name, "weights": dict(score.weights), "baseline": score.baseline},
        "epochs": epochs,
        "seed": seed,
        "space": space.config(),
        "model": {"builder": record["name"], **{key: value for key, value in record.get("arguments", {}).items() if key != "tasks"}},
        "train": _data(train),
        "validation": _data(validation),
    }
    return json.loads(json.dumps(found, default=repr))


def claim(folder, identity, *, worker=False):
    """Makes the folder this search's, or checks that it is; a worker waits for its chief to do so.

    Args:
        folder: a `pathlib.Path`.
        identity: what `describe` returned.
        worker: whether a chief owns the folder.

    Raises:
        ValueError: the folder is of another search, or holds something else.
    """
    path = folder / FILE
    if worker:
        wait_for(path, "the chief has not begun the search; chief and workers must see the same `folder`", WAIT)
    if path.is_file():
        _compare(path, identity)
        return
    if folder.exists() and not (folder.is_dir() and all(inner.name.startswith(".") for inner in folder.iterdir())):
        raise ValueError(f"`folder` must be new, empty or of a search that is to go on; {str(folder)!r} holds something else.")
    files.write(path, (json.dumps(identity, indent=2) + "\n").encode())


def wait_for(path, why, limit=math.inf):
    """Waits until a file is there; raises `ValueError` with the reason after so many seconds."""
    end = time.monotonic() + limit
    while not path.is_file():
        if time.monotonic() > end:
            raise ValueError(f"`folder` must hold {path.name!r} by now: {why}.")
        time.sleep(0.2)


def load(folder):
    """Returns what `claim` wrote.

    Args:
        folder: a path.
    """
    path = Path(folder) / FILE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"`folder` must be the folder of a search; {str(path)!r} cannot be read ({error}).") from None


def _compare(path, identity):
    there = load(path.parent)
    unlike = [key for key in identity if _essence(key, there.get(key)) != _essence(key, identity[key])]
    if unlike:
        told = "; ".join(f"{key}: {_short(there.get(key), identity[key])}" for key in unlike)
        raise ValueError(f"`folder` must be new or of the same search; {str(path.parent)!r} is of another one ({told}). It stays as it is.")


def _short(there, here):
    """Where two values of the identity differ, in a few words."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [key for key in {**there, **here} if there.get(key) != here.get(key)]
        return ", ".join(f"{key} {_short(there.get(key), here.get(key))}" for key in keys[:3])
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        place = next(index for index, (one, other) in enumerate(zip(there, here, strict=True)) if one != other)
        if isinstance(there[place], dict):
            return f"{there[place].get('name', place)} {_short(there[place], here[place])}"
    texts = [json.dumps(value) for value in (there, here)]
    old, new = (text if len(text) <= 60 else text[:57] + "..." for text in texts)
    return f"{old} there, {new} here"


def _essence(key, value):
    """What must be the same; Keras counts the names of layers up from model to model."""
    return without_names(value) if key in ("space", "model") else value


def without_names(value):
    """Returns a configuration without names, which Keras numbers by what else the process has made."""
    if isinstance(value, dict):
        return {key: without_names(part) for key, part in value.items() if key not in ("name", "keras_history", "build_config")}
    return [without_names(part) for part in value] if isinstance(value, (list, tuple)) else value


def _data(data):
    """Shapes, dtypes and number of batches of a data set; of arrays their content, too."""
    if isinstance(data, tf.data.Dataset):
        return {"batches": int(data.cardinality()), "elements": repr(data.element_spec)}
    if isinstance(data, keras.utils.PyDataset):
        return {"batches": data.num_batches, "elements": type(data).__name__}
    arrays = [np.asarray(part) for part in tf.nest.flatten(data) if part is not None]
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]
    return {"content": digest, "elements": repr([(array.shape, str(array.dtype)) for array in arrays])}
