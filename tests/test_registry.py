"""Registries."""

import pytest

from mtlzoo.registry import Registry


def test_register_get_names_and_description():
    registry = Registry("trunk")

    @registry.register
    def cnn():
        """A small CNN.

        More words.
        """

    registry.register(int, name="whole")
    assert registry.names() == ("cnn", "whole") and registry.get("cnn") is cnn
    assert registry.describe()["cnn"] == "A small CNN."
    assert registry.register(cnn) is cnn, "the same item again is no clash"


def test_clash_and_unknown_names():
    registry = Registry("trunk")
    registry.register(int, name="cnn")
    with pytest.raises(ValueError, match="`trunk` 'cnn' is registered already"):
        registry.register(float, name="cnn")
    with pytest.raises(ValueError, match="Did you mean 'cnn'"):
        registry.get("cnnn")
