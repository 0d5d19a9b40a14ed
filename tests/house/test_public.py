"""Nothing public escapes: docstrings, mirror tests, contracts."""

import importlib
import inspect

import pytest

import mtlzoo
from tests.house import source


def public():
    """What users reach: the alias lines of the packages, and the top-level modules without an underscore."""
    found = {}
    for path in source.FILES:
        module = importlib.import_module(source.module(path))
        top = path.parent == source.PACKAGE and not path.name.startswith("_")
        if path.name == "__init__.py" or top:
            for name, item in vars(module).items():
                if (
                    not name.startswith("_")
                    and (inspect.isclass(item) or inspect.isfunction(item))
                    and item.__module__.startswith("mtlzoo")
                ):
                    found[f"{item.__module__}.{item.__qualname__}"] = item
    return found


PUBLIC = public()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_docstrings_say_what_arguments_results_and_sources_are(name):
    item = PUBLIC[name]
    text = inspect.getdoc(item)
    assert text and text.split("\n")[0].rstrip().endswith((".", ":")), f"{name}: the first line is a sentence"
    parameters = inspect.signature(item).parameters if not isinstance(item, type) or "__init__" in vars(item) else {}
    documented = [p for p in parameters if p not in ("self", "args", "kwargs", "changes", "names")]
    if documented:
        assert "Args:" in text, f"{name} has no `Args:`"
        missing = [p for p in documented if f"{p}:" not in text and f"{p}," not in text]
        assert not missing, f"{name} does not say what {missing} are"
    if inspect.isfunction(item) and inspect.signature(item).return_annotation not in (None, inspect.Signature.empty):
        assert "Returns:" in text, f"{name} has no `Returns:`"


@pytest.mark.parametrize("name", sorted(n for n, item in PUBLIC.items() if inspect.isclass(item)))
def test_public_methods_have_docstrings(name):
    own = [member for key, member in vars(PUBLIC[name]).items() if not key.startswith("_") and inspect.isfunction(member)]
    assert not [member.__name__ for member in own if not inspect.getdoc(member)]


def test_registered_items_name_a_source_and_show_an_example():
    families = [mtlzoo.architectures, mtlzoo.trunks, mtlzoo.balancing, mtlzoo.data.sources]
    for family in families:
        registry = family.describe.__self__
        for name in registry.names():
            text = inspect.getdoc(registry.get(name))
            assert "Source:" in text and ">>>" in text and "Raises:" in text, name
            assert getattr(family, registry.get(name).__name__, None) is registry.get(name), f"{name} is no alias of its package"


def test_every_file_has_a_mirror_test():
    tests = source.ROOT / "tests"
    missing = []
    for path in source.FILES:
        inner = path.relative_to(source.PACKAGE)
        if inner.name.startswith("_") or path.stat().st_size < 200:
            continue
        if not (tests / inner.parent / f"test_{inner.name}").is_file():
            missing.append(str(inner))
    assert not missing


def test_everything_registered_is_under_contract():
    contracts = "".join(path.read_text() for path in (source.ROOT / "tests").rglob("test_*.py"))
    for call in ("mtlzoo.architectures.names()", "balancing.names()", "sources.names()"):
        assert call in contracts
