"""Imports go down only; heavy packages are imported where they are needed."""

import subprocess
import sys

import pytest

from tests.house import source

LEVELS = [
    ["checks", "registry", "seeds", "files"],
    ["losses", "_task_parts", "_task_kinds", "task", "alphas", "layers", "balancing"],
    [
        "trunks",
        "_task_losses",
        "_random_state",
        "_step_parts",
        "_executions",
        "_sharing",
        "_learnt_sharing",
        "_added_losses",
        "_step_math",
        "_backward",
        "gradients",
        "model",
        "assemble",
        "progress",
    ],
    ["data", "architectures", "growth"],
    ["evaluation"],
    ["callbacks"],
    ["tuning", "export"],
    ["runs"],
    ["judging"],
    ["commands"],
    ["cli", "__main__"],
]
# Inside a level these small families read from left to right.
CHAINS = [
    ["checks", "registry"],
    ["checks", "files"],
    ["losses", "_task_parts", "_task_kinds", "task"],
    ["_task_losses", "model", "assemble"],
    ["_random_state", "model"],
    ["_step_parts", "model"],
    ["_executions", "model"],
    ["_learnt_sharing", "model"],
    ["_added_losses", "_step_math", "model"],
    ["_sharing", "_step_math", "_backward", "gradients", "model"],
    ["cli", "__main__"],
]
SPEAK_KERAS_ONLY = [
    "checks",
    "registry",
    "seeds",
    "files",
    "losses",
    "task",
    "alphas",
    "layers",
    "balancing",
    "trunks",
    "assemble",
    "architectures",
    "growth",
]
# Files whose classes have a base of keras-tuner: they import it at the top, and are themselves imported inside functions only.
LATE_FILES = ["mtlzoo.tuning._hypermodel", "mtlzoo.tuning._oracles", "mtlzoo.tuning._tuner"]
IMPORTED_LATE = ["matplotlib", "tensorflow_datasets", "keras_tuner", "tensorboard", "sklearn", "pandas", "rich"]


def level(room):
    return next(index for index, rooms in enumerate(LEVELS) if room in rooms)


def room(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def allowed(mine, theirs):
    if mine == theirs or level(theirs) < level(mine):
        return True
    return any(mine in chain and theirs in chain and chain.index(theirs) < chain.index(mine) for chain in CHAINS)


def rooms_of(path):
    return {room(target) for target in source.imports(path) if target.split(".")[0] == "mtlzoo"} - {None}


@pytest.mark.parametrize(
    "path", [path for path in source.FILES if path.parent != source.PACKAGE or path.name != "__init__.py"], ids=source.name
)
def test_imports_go_down_only(path):
    mine = room(source.module(path))
    wrong = {theirs for theirs in rooms_of(path) if not allowed(mine, theirs)}
    assert not wrong, f"{source.name(path)} (level {level(mine)}) imports {wrong}"


def test_items_of_a_family_do_not_import_each_other():
    for family in ("architectures", "balancing", "trunks", "data/sources"):
        for path in (source.PACKAGE / family).glob("[a-z]*.py"):
            own = source.module(path).rsplit(".", 1)[0]
            siblings = {target for target in source.imports(path) if target.startswith(own + ".")}
            assert all(target.rsplit(".", 1)[1].startswith("_") for target in siblings), f"{source.name(path)} imports {siblings}"


def test_no_two_files_import_each_other():
    graph = {source.module(path): {target for target in source.imports(path) if target.startswith("mtlzoo.")} for path in source.FILES}
    graph = {module: targets for module, targets in graph.items() if "__init__" not in module}
    packages = {source.module(path) for path in source.FILES if path.name == "__init__.py"}
    mutual = [(a, b) for a, targets in graph.items() for b in targets if a in graph.get(b, ()) and a != b and not {a, b} & packages]
    assert not mutual


@pytest.mark.parametrize("path", [path for path in source.FILES if room(source.module(path)) in SPEAK_KERAS_ONLY], ids=source.name)
def test_what_speaks_keras_alone_does_not_import_tensorflow(path):
    assert not [target for target in source.imports(path) if target.split(".")[0] == "tensorflow"]


@pytest.mark.parametrize("path", source.FILES, ids=source.name)
def test_heavy_packages_are_imported_inside_functions(path):
    imported = source.imports(path, top_level_only=True)
    late = source.module(path) in LATE_FILES
    heavy = [target for target in imported if target.split(".")[0] in IMPORTED_LATE and not (late and target == "keras_tuner")]
    assert not heavy
    assert late or not set(imported) & set(LATE_FILES)


def test_importing_mtlzoo_costs_tensorflow_and_no_more():
    code = f"import sys, mtlzoo; print([name for name in {IMPORTED_LATE} if name in sys.modules and name not in before])"
    code = code.replace("import sys, mtlzoo", "import sys, tensorflow, keras; before = set(sys.modules); import mtlzoo")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_packages_hold_alias_lines_only():
    import ast

    for path in source.PACKAGE.rglob("__init__.py"):
        body = source.tree(path).body[1:]
        assert all(isinstance(node, ast.ImportFrom) for node in body), source.name(path)
        assert all(alias.asname == alias.name for node in body for alias in node.names), source.name(path)
