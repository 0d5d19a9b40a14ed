"""Hybrid attention: known answers of its own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="hybrid_attention", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


def fitted_alike(ours, theirs, shape, rng):
    """Trains two models alike, and compares history and outputs."""
    for model in (ours, theirs):
        model.compile("sgd")
    x, y = data(rng, shape)
    y = {task.name: y[task.name] for task in theirs.tasks}
    one, other = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (ours, theirs))
    for key, values in other.items():
        np.testing.assert_allclose(one[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in theirs.predict(x, verbose=0).items():
        np.testing.assert_allclose(ours.predict(x, verbose=0)[task], output, atol=1e-5)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_a_gate_of_one_is_single_task_in_training_too(trunk, rng):
    shape = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": shape, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True), "tower": (3,)}
    hybrid, single = build(**options), build("single_task", **options)
    gate = hybrid.get_layer("combination")
    gate.bias.assign([40.0, 40.0])
    gate.trainable = False
    fitted_alike(hybrid, single, shape, rng)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_one_task_is_its_trunk(trunk, rng):
    shape = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": shape, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6)), "tasks": TASKS[:1]}
    fitted_alike(build(**options), build("single_task", **options), shape, rng)


def test_combines_own_features_and_what_attention_reads(rng):
    model = build(tasks=[*TASKS, Task.binary("c")], width=2)
    x, _ = data(rng)
    model.get_layer("combination").set_weights([rng.normal(size=(3, 12)), rng.normal(size=3)])
    read = [model.get_layer(name).output for name in ("extraction_dense2_dense", "combination")]
    features, found = keras.Model(model.input, read).predict(x, verbose=0)
    q, k = (np.einsum("btf,tfd->btd", features, model.get_layer(name).kernel.numpy()) for name in ("queries", "keys"))
    powers = np.exp(np.einsum("btd,bsd->bts", q, k) / np.sqrt(2))
    a = powers / powers.sum(-1, keepdims=True)
    kernel, bias = (weight.numpy() for weight in model.get_layer("combination").weights)
    gates = 1 / (1 + np.exp(-np.einsum("btf,tf->bt", np.concatenate([features, a @ features], -1), kernel) - bias))[..., None]
    np.testing.assert_allclose(found, gates * features + (1 - gates) * (a @ features), rtol=1e-3, atol=1e-5)
    sharing = model.sharing(x)
    np.testing.assert_allclose(sharing["interaction"], a.mean(0), rtol=1e-4)
    np.testing.assert_allclose(sharing["interaction"].sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(sharing["combination"][:, 0], gates.mean((0, 2)), rtol=1e-4)


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build(width=7).count_params() == 2 * (trunk + 2 * 6 * 7 + 2 * 6 + 1) + heads
    stemmed = (5 * 4 + 4) + 2 * ((4 * 6 + 6) + 2 * 6 * 7 + 2 * 6 + 1)
    assert build(width=7, stem=1).count_params() == stemmed + heads


def test_queries_and_gates_are_the_tasks_own_and_what_others_read_is_shared():
    model = build(stem=1)
    sharing = Sharing(model)
    layers_of = [variable.path.split("/")[0] for variable in model.trainable_variables]
    assert {layers_of[index] for index in sharing.sliced} == {"queries", "combination"}
    assert {layers_of[index] for index in sharing.shared} == {"dense1_dense", "extraction_dense2_dense", "keys"}


def test_parts_start_different():
    model = build()
    for name in ("extraction_dense1_dense", "queries", "keys"):
        assert not np.allclose(*model.get_layer(name).kernel.numpy())
    assert not np.allclose(model.get_layer("queries").kernel, model.get_layer("keys").kernel)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "`width` must be a whole number at least 1"),
        ({"own": 1.0}, "`own` must be a finite number at least 0.001 and at most 0.999"),
        ({"stem": 2}, "`stem` must leave at least one"),
        ({"trunk": trunks.Trunk({"a": layers.Dense(3), "b": layers.ReLU()}), "stem": 1}, "must have weights behind its stem"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": layers.Conv2D(2, 3)})}, "`trunk` must end in vectors"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
