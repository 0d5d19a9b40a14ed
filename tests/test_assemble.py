"""The end of every architecture."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, assemble

TASKS = [Task.multiclass("a", 3), Task.regression("b")]


def test_towers_heads_names_and_dtype():
    x = keras.Input((5,))
    model = assemble(x, {"a": x, "b": x}, TASKS, tower=(4, 2), seed=0)
    assert [layer.name for layer in model.layers[1:]] == ["a_tower1", "b_tower1", "a_tower2", "b_tower2", "a", "b"]
    assert model.count_params() == 2 * (5 * 4 + 4 + 4 * 2 + 2) + (2 * 3 + 3) + (2 + 1)
    assert {tensor.dtype for tensor in model.output.values()} == {"float32"}
    assert model.representation is x


@pytest.mark.parametrize("tower", [(), (4, 2)])
def test_stacked_features_give_what_features_by_task_give(tower, rng):
    x = keras.Input((2, 5))
    together = assemble(x, x, TASKS, tower=tower, seed=0)
    apart = assemble(x, {"a": x[:, 0], "b": x[:, 1]}, TASKS, tower=tower, seed=0)
    assert together.count_params() == apart.count_params() and together.representation is None
    assert {"towers1", "towers2"} & {layer.name for layer in together.layers} == {f"towers{i + 1}" for i in range(len(tower))}
    values = rng.normal(size=(6, 2, 5)).astype("float32")
    for task, output in apart.predict(values, verbose=0).items():
        np.testing.assert_allclose(together.predict(values, verbose=0)[task], output, atol=1e-6)


def test_outputs_may_be_made_of_several_heads(rng):
    x = keras.Input((5,))
    tasks = [Task.binary("a"), Task.binary("b"), Task.regression("c")]

    def outputs(heads):
        return {"b": keras.layers.Add(name="b")([heads.logits("a", x), heads.logits("b", x)])}

    model = assemble(x, dict.fromkeys("abc", x), tasks, tower=(4,), outputs=outputs, seed=0)
    plain = assemble(x, dict.fromkeys("abc", x), tasks, tower=(4,), seed=0)
    assert [layer.name for layer in model.layers if "tower" in layer.name] == ["a_tower1", "b_tower1", "c_tower1"]
    values = rng.normal(size=(6, 5)).astype("float32")
    found, wanted = model.predict(values, verbose=0), plain.predict(values, verbose=0)
    for name in "ac":
        np.testing.assert_array_equal(found[name], wanted[name])
    logits = {name: np.log(wanted[name] / (1 - wanted[name])) for name in "ab"}
    np.testing.assert_allclose(found["b"], logits["a"] + logits["b"], atol=1e-5)  # Weights follow from the task, not from the layer.


def test_outputs_must_be_those_of_tasks():
    x = keras.Input((5,))
    with pytest.raises(ValueError, match="`outputs key` must be one of 'a', 'b'; received 'd'"):
        assemble(x, {"a": x, "b": x}, TASKS, outputs=lambda heads: {"d": x})


def test_features_must_be_vectors_and_complete():
    x = keras.Input((4, 4, 3))
    with pytest.raises(ValueError, match=r"`features\['a'\]` must be vectors.*Flatten"):
        assemble(x, {"a": x}, [Task.binary("a")])
    with pytest.raises(ValueError, match=r"missing \['b'\]"):
        assemble(x, {"a": x}, [Task.binary("a"), Task.binary("b")])
    for shape in ((3, 5), (2, 4, 5), (2,)):
        x = keras.Input(shape)
        with pytest.raises(ValueError, match=r"`features` must be vectors a task \[batch, 2, features\]; received"):
            assemble(x, x, TASKS)
