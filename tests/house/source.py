"""The package as syntax trees, for the tests of the house."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mtlzoo"
FILES = sorted(PACKAGE.rglob("*.py"))
ALL_FILES = sorted(path for folder in ("mtlzoo", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def tree(path):
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path):
    """The dotted name of a file of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def name(path):
    """A short name for a parametrized test."""
    return str(path.relative_to(ROOT))


def functions(path):
    """All functions and methods of a file."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def imports(path, top_level_only=False):
    """Modules imported by a file, as dotted names; `from a import b` gives a.b where that is a module."""
    found = []
    nodes = tree(path).body if top_level_only else ast.walk(tree(path))
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [_resolved(node.module, alias.name) for alias in node.names]
    return found


def _resolved(base, member):
    path = ROOT / pathlib.Path(*base.split("."), member)
    return f"{base}.{member}" if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() else base
