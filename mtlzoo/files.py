"""How files and folders are written: aside first, then renamed, so that a name never holds half of something."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from mtlzoo import checks


def free_path(
    argument: str, path, overwrite: bool = False, *, kind: str = "a file", is_kind: Callable[[Path], bool] = Path.is_file
) -> Path:
    """Returns a path after checking that it may be written, and makes its parent folder; an empty folder counts as free.

    Args:
        argument: the argument's name, for the message.
        path: a file or folder that is to be written.
        overwrite: whether what is there may be replaced, if it is of the kind.
        kind: what is written, in words.
        is_kind: says whether what is there is of that kind.

    Returns:
        A `pathlib.Path`.

    Raises:
        ValueError: something is there and may not be replaced, or is of another kind; or its folder cannot be written.
        TypeError: `path` is no path.

    >>> free_path("path", "file.csv").name
    'file.csv'
    """
    path = Path(checks.instance(argument, path, (str, os.PathLike), "a path"))
    if path.is_dir() and not any(path.iterdir()):
        return path
    if path.exists() and not overwrite:
        raise ValueError(f"`{argument}` must be new, or overwrite=True be given; {str(path)!r} exists.")
    if path.exists() and not is_kind(path):
        raise ValueError(f"`{argument}` must be {kind} to be overwritten; {str(path)!r} is something else and stays as it is.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"`{argument}` must be where a folder can be made; {str(path.parent)!r} cannot be ({error}).") from None
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"`{argument}` must be in a folder that can be written; {str(path.parent)!r} cannot.")
    return path


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Gives a name beside the path to write to, and renames it when all is written; what was there goes only then.

    Args:
        path: the file or folder that is to be there at the end; its parent is made.

    Returns:
        A context manager that gives a `pathlib.Path` which is not there yet.

    Source: writing aside and renaming, which POSIX does in one step.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "greeting.txt"
    >>> with aside(path) as new:
    ...     _ = new.write_text("hello")
    >>> path.read_text(), [found.name for found in path.parent.iterdir()]
    ('hello', ['greeting.txt'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = (path.with_name(f".{path.name}.{os.getpid()}.{kind}") for kind in ("partial", "old"))
    try:
        yield new
        if path.is_dir():  # A folder cannot be renamed over another one.
            path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                old.rename(path)
                raise
        else:
            new.replace(path)
    finally:
        for rest in (new, old):
            if rest.is_dir():
                shutil.rmtree(rest)
            else:
                rest.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> Path:
    """Writes bytes to a file in one step.

    Args:
        path: the file; its folder is made.
        content: all of it.

    Returns:
        The path.

    >>> import tempfile
    >>> write(Path(tempfile.mkdtemp()) / "a" / "b.txt", b"x").read_bytes()
    b'x'
    """
    with aside(path) as new:
        new.write_bytes(content)
    return path
