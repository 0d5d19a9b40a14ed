"""Writing aside: a name never holds half of something, and what was there stays until the new is whole."""

import pytest

from mtlzoo import files


@pytest.mark.parametrize("folder", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path, folder):
    path = tmp_path / "thing"
    (path if not folder else path / "inner").parent.mkdir(exist_ok=True)
    (path / "inner" if folder else path).write_text("old")
    with pytest.raises(RuntimeError), files.aside(path) as new:
        if folder:
            new.mkdir()
        (new / "inner" if folder else new).write_text("half")
        raise RuntimeError
    assert (path / "inner" if folder else path).read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["thing"]
    with files.aside(path) as new:
        if folder:
            new.mkdir()
        (new / "inner" if folder else new).write_text("whole")
    assert (path / "inner" if folder else path).read_text() == "whole"
    assert [found.name for found in tmp_path.iterdir()] == ["thing"]


def test_paths_that_may_not_be_written(tmp_path):
    path = files.write(tmp_path / "a.txt", b"x")
    with pytest.raises(ValueError, match="`out` must be new, or overwrite=True"):
        files.free_path("out", path)
    assert files.free_path("out", path, True) == path
    with pytest.raises(ValueError, match="must be a file to be overwritten.*stays as it is"):
        files.free_path("out", tmp_path, True)
    with pytest.raises(TypeError, match="`out` must be a path"):
        files.free_path("out", 3)
