"""Sizes of files and functions, and what must not stand in the package."""

import ast
import re
import statistics

import pytest

from tests.house import source


@pytest.mark.parametrize("path", source.ALL_FILES, ids=source.name)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= (300 if source.PACKAGE in path.parents else 400)


def test_most_files_are_shorter():
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in source.FILES]
    assert statistics.median(lengths) <= 120


@pytest.mark.parametrize("path", source.ALL_FILES, ids=source.name)
def test_functions_are_short(path):
    long = [node.name for node in source.functions(path) if _lines(node) > 60]
    assert not long


def _lines(node):
    """Lines of a function without its docstring, which says much and costs little to read."""
    documented = ast.get_docstring(node) is not None
    docstring = node.body[0].end_lineno - node.body[0].lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - docstring


# Keras' own signatures, and arguments that are a builder's.
FREE = {"MultiTaskModel.__init__", "OfRuns.__call__", "MultiTaskModel.fit", "architecture.build", "rebuild", "Task.replace"}
FREE |= {"MultiTaskHyperModel.fit", "RecordingTuner.run_trial"}


@pytest.mark.parametrize("path", source.FILES, ids=source.name)
def test_arguments_are_few_and_named(path):
    for qualified, node in _qualified(source.tree(path)):
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        arguments = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        assert len(arguments) <= 12, f"{qualified} has {len(arguments)} arguments"
        assert node.args.kwarg is None or qualified in FREE, f"{qualified} passes **{node.args.kwarg.arg} on"


def _qualified(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            name = f"{prefix}{child.name}"
            if isinstance(child, ast.FunctionDef):
                yield name, child
            yield from _qualified(child, f"{name}.")
        else:
            yield from _qualified(child, prefix)


@pytest.mark.parametrize("path", source.FILES, ids=source.name)
def test_what_must_not_stand_in_the_package(path):
    text = path.read_text(encoding="utf-8")
    for pattern in (
        r"\bLambda\(",
        r"py_function",
        r"\beval\(",
        r"\bpickle\b",
        r"\bTODO\b|\bFIXME\b|\bXXX\b",
        r"(?<!\.)\bprint\(",
    ):
        found = [line for line in text.splitlines() if re.search(pattern, line) and not line.lstrip().startswith((">>>", "..."))]
        if "print" in pattern and (path.name == "cli.py" or path.parent.name == "commands"):
            continue
        if "py_function" in pattern:
            found = [line for line in found if "numpy_function" not in line]
        assert not found, found
