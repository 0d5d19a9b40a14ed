"""The folder of a judging: what it is of, and one file for each cell that is done."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path

from mtlzoo import data, files

FILE = "judging.json"
FREE = ("architectures", "balancers", "seeds")  # More of these may be judged in the same folder: the cells that are there stay right.
SPREAD = ("architecture", "balancer", "baseline")  # Of the run; a judging varies or fixes these itself.


class Folder:
    """A folder in which cells are kept; it is refused if it is of another judging.

    Args:
        path: the folder; it is made, and may be there if it is empty or of the same judging.
        config: the `JudgingConfig`.

    Raises:
        ValueError: something else is there, or a judging with other values; the message says which.
    """

    def __init__(self, path, config):
        self.path, wanted = Path(path), _identity(config)
        if (self.path / FILE).is_file():
            _check_same(self.path, wanted)
        else:
            files.free_path("out", self.path, kind="a judging's folder")
            files.write(self.path / FILE, _json(wanted))

    def read(self, name):
        """Returns what is kept under a name, or None."""
        path = self._file(name)
        if not path.is_file():
            return None
        try:
            return _numbers(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"`out` holds {str(path)!r}, which cannot be read ({error}); remove it, and it is made again.") from None

    def keep(self, name, values):
        """Keeps values under a name, whole or not at all."""
        files.write(self._file(name), _json(values))

    def _file(self, name):
        return self.path / "cells" / f"{name}.json"


def _identity(config):
    """What decides the cells, in plain types."""
    values = {key: value for key, value in dataclasses.asdict(config).items() if key not in FREE}
    values["run"] = {key: value for key, value in values["run"].items() if key not in SPREAD}
    found = {key: value for key, value in values.items() if key not in ("run", "others")} | values["run"]
    found["tasks"] = list(found["tasks"])
    if data.is_table(config.run.data):
        path = Path(config.run.data)
        path = Path(config.run.data_dir, path.name) if config.run.data_dir else path
        found |= {"data": path.name, "data_dir": None}  # Wherever it lies: what is in it counts.
        found["data_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return found


def _check_same(path, wanted):
    try:
        held = json.loads((path / FILE).read_text(encoding="utf-8"))
        unlike = [key for key in {**held, **wanted} if held.get(key) != wanted.get(key)]
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"`out` must be a judging's folder; {str(path / FILE)!r} cannot be read ({error}).") from None
    if unlike:
        told = "; ".join(f"{key} is {held.get(key)!r} there, {wanted.get(key)!r} here" for key in unlike)
        raise ValueError(f"`out` {str(path)!r} is the folder of another judging: {told}. Take another folder, or the same values.")


def _json(values):
    return (json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value):
    """Plain types for strict JSON; numbers that are not finite become texts."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(value):
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    return float(value) if value in ("nan", "inf", "-inf") else value
