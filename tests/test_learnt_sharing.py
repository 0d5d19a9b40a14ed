"""What a model has learnt about sharing."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, architectures, trunks
from mtlzoo.layers import Gates

TASKS = [Task.multiclass("a", 3), Task.regression("b")]


def softmax(values):
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_gates_are_means_over_all_rows_in_the_order_of_tasks_and_experts(rng):
    model = architectures.mmoe((5,), TASKS, trunk=trunks.mlp((4,)), experts=3, seed=0)
    x = rng.normal(size=(2500, 5)).astype("float32")
    found = model.sharing(x)
    assert list(found) == ["gates"]
    kernel = model.get_layer("gates").kernel.numpy()
    np.testing.assert_allclose(found["gates"], [softmax(x @ kernel[index]).mean(0) for index in range(2)], rtol=1e-4)


def test_a_task_with_an_input_of_its_own_has_the_gate_that_its_output_reads(rng):
    model = architectures.mmoe({"a": (5,), "b": (5,)}, TASKS, trunk=trunks.mlp((4,)), experts=3, seed=0)
    x = {"a_input": rng.normal(size=(6, 5)).astype("float32"), "b_input": rng.normal(size=(6, 5)).astype("float32")}
    kernel = model.get_layer("gates").kernel.numpy()
    wanted = [softmax(x[f"{name}_input"] @ kernel[index]).mean(0) for index, name in enumerate("ab")]
    np.testing.assert_allclose(model.sharing(x)["gates"], wanted, rtol=1e-4)
    one = architectures.omoe({"a": (5,), "b": (5,)}, TASKS, trunk=trunks.mlp((4,)), experts=3, seed=0)
    both = np.concatenate([x["a_input"], x["b_input"]])
    np.testing.assert_allclose(one.sharing(x)["gates"], softmax(both @ one.get_layer("gates").kernel.numpy()).mean(1), rtol=1e-4)


def test_stitches_come_stage_by_stage_and_need_no_inputs(rng):
    model = architectures.cross_stitch((5,), TASKS, trunk=trunks.mlp((4, 6)), own=0.7, seed=0)
    found = model.sharing()
    assert list(found) == ["dense1_stitch", "dense2_stitch"]
    model.fit(rng.normal(size=(32, 5)), {"a": rng.integers(0, 3, 32), "b": rng.normal(size=32)}, verbose=0)
    moved = model.sharing()
    for name, matrix in found.items():
        np.testing.assert_allclose(matrix, [[0.7, 0.3], [0.3, 0.7]], rtol=1e-6)
        np.testing.assert_array_equal(moved[name], model.get_layer(name).units.numpy())
        assert not np.allclose(moved[name], matrix, atol=1e-5)


def test_loaded_models_tell_the_same(rng, tmp_path):
    model = architectures.mmoe((5,), TASKS, trunk=trunks.mlp((4,)), seed=0)
    model.save(tmp_path / "model.keras")
    x = rng.normal(size=(6, 5)).astype("float32")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras").sharing(x)["gates"], model.sharing(x)["gates"])


def test_nothing_learnt_and_inputs_missing_are_said():
    with pytest.raises(ValueError, match="'hard_sharing' has no layer that learns how much tasks share.*'mmoe'"):
        architectures.hard_sharing((5,), TASKS, trunk="mlp").sharing()
    model = architectures.mmoe((5,), TASKS, trunk="mlp")
    with pytest.raises(ValueError, match=r"`x` must be given: the matrices of \['gates'\] depend on it"):
        model.sharing()
    with pytest.raises(TypeError, match="`x` must be an array, or a dict of arrays"):
        model.sharing(3)
    assert isinstance(model.get_layer("gates"), Gates)
