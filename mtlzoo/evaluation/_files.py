"""How files are written: aside first, then renamed, so that a name never holds half a file."""

import os
from pathlib import Path

from mtlzoo import checks


def check_free(argument, path, overwrite):
    """Returns the path after checking that it may be written."""
    path = Path(checks.instance(argument, path, (str, os.PathLike), "a path"))
    if path.is_dir():
        raise ValueError(f"`{argument}` must name a file; {str(path)!r} is a folder.")
    if path.exists() and not overwrite:
        raise ValueError(f"`{argument}` must be new, or overwrite=True be given; {str(path)!r} exists.")
    return path


def write(path, content):
    """Writes bytes to a path in one step, and makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(aside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path
