"""The end of every architecture."""

import keras
import pytest

from mtlzoo import Task, assemble


def test_towers_heads_names_and_dtype():
    x = keras.Input((5,))
    model = assemble(x, {"a": x, "b": x}, [Task.multiclass("a", 3), Task.regression("b")], tower=(4, 2), seed=0)
    assert [layer.name for layer in model.layers[1:]] == ["a_tower1", "b_tower1", "a_tower2", "b_tower2", "a", "b"]
    assert model.count_params() == 2 * (5 * 4 + 4 + 4 * 2 + 2) + (2 * 3 + 3) + (2 + 1)
    assert {tensor.dtype for tensor in model.output.values()} == {"float32"}


def test_features_must_be_vectors_and_complete():
    x = keras.Input((4, 4, 3))
    with pytest.raises(ValueError, match=r"`features\['a'\]` must be vectors.*Flatten"):
        assemble(x, {"a": x}, [Task.binary("a")])
    with pytest.raises(ValueError, match=r"missing \['b'\]"):
        assemble(x, {"a": x}, [Task.binary("a"), Task.binary("b")])
