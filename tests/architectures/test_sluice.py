"""Sluice networks: known answers of their own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.layers import Sluice, StageMixture
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="sluice", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_the_identity_and_the_last_stage_are_single_task_in_training_too(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((2, 4)) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True), "tower": (3,)}
    ours = build(own=1.0, last=1.0, orthogonality=0, **options)
    for layer in ours.layers:
        if isinstance(layer, (Sluice, StageMixture)):
            layer.trainable = False
    helpers.assert_same_training(ours, build("single_task", **options), *data(rng, inputs))


def test_the_head_reads_the_mixture_of_all_stages(rng):
    model = build(inputs=(6, 6, 1), trunk=trunks.cnn((2, 4), dense=(6, 6)))
    mixture = model.get_layer("stage_mixture")
    beta = rng.normal(size=(2, 4)).astype("float32")
    mixture.beta.assign(beta)
    x, _ = data(rng, (6, 6, 1))
    parts = ["conv1_sluice", "conv2_sluice", "dense1_sluice", "dense2_sluice", "stage_mixture"]
    read = keras.Model(model.input, {name: model.get_layer(name).output for name in parts}).predict(x, verbose=0)
    projections = [model.get_layer(f"{stage}_skip").kernel.numpy() for stage in ("conv1", "conv2")]
    flat = read["conv2_sluice"].reshape(48, 2, -1)
    conv1 = np.einsum("btc,tcf->btf", read["conv1_sluice"].mean((2, 3)), projections[0])
    stages = [conv1, np.einsum("btc,tcf->btf", flat, projections[1]), read["dense1_sluice"], read["dense2_sluice"]]
    assert flat.shape[-1] == 4 and "dense1_skip" not in [layer.name for layer in model.layers]
    np.testing.assert_allclose(read["stage_mixture"], np.einsum("ts,sbtf->btf", beta, stages), rtol=1e-3, atol=1e-4)


def test_the_penalty_reaches_the_loss_once_for_every_form_of_input(rng):
    def penalty(model, x):
        model(x)
        return float(sum(model.losses))

    one = build(orthogonality=0.5)
    wanted = 0.0
    for stage in ("dense1", "dense2"):
        for kernel in one.get_layer(f"{stage}_orthogonality").layers[-1].kernel.numpy():
            half = kernel.shape[1] // 2
            wanted += 0.5 * np.linalg.norm(kernel[:, :half].T @ kernel[:, half:]) ** 2
    x, y = data(rng)
    np.testing.assert_allclose(penalty(one, x), wanted, rtol=1e-5)
    several = build(inputs={"a": (5,), "b": (5,)}, orthogonality=0.5)
    np.testing.assert_allclose(penalty(several, {"a_input": x, "b_input": x}), wanted, rtol=1e-5)
    logs = one.evaluate(x, y, return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["loss"], 0.7 * logs["a_loss"] + 2 * logs["b_loss"] + wanted, rtol=1e-5)
    np.testing.assert_allclose(sum(logs[f"{stage}_orthogonality_loss"] for stage in ("dense1", "dense2")), wanted, rtol=1e-5)
    none = build(orthogonality=0)
    none(x)
    assert none.losses == []


def test_what_was_learnt_has_names():
    found = build(tasks=[*TASKS, Task.binary("c")], trunk=trunks.mlp((6, 4)), subspaces=2, own=0.75, last=0.6).sharing()
    assert list(found) == ["dense1_sluice", "dense2_sluice", "stage_mixture"]
    np.testing.assert_allclose(found["dense1_sluice"], 0.05 + 0.7 * np.eye(6), atol=1e-6)
    np.testing.assert_allclose(found["stage_mixture"], [[0.4, 0.6]] * 3, atol=1e-6)


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    wanted = 2 * trunk + 2 * (2 * 2) ** 2 + 2 * 2 + 2 * 6 * 4 + heads
    assert build().count_params() == build(orthogonality=0).count_params() == wanted


def test_trunks_start_as_those_of_single_task_with_and_without_the_penalty(rng):
    trained = keras.Sequential([keras.Input((5,)), layers.Dense(6)])
    trunk = trunks.Trunk({"read": trained.layers[0], "think": layers.Dense(4)})
    single = build("single_task", trunk=trunk)
    for orthogonality in (0, 0.1):
        ours = build(trunk=trunk, orthogonality=orthogonality)
        found = {layer.name: layer for layer in ours._flatten_layers()}
        np.testing.assert_array_equal(found["tasks_read_dense"].copy_weights("b")[0], trained.get_weights()[0])
        np.testing.assert_array_equal(found["tasks_think_dense"].copy_weights("b")[0], single.get_layer("b_think_dense").get_weights()[0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"own": 1.1}, ValueError, "`own`"),
        ({"last": -0.1}, ValueError, "`last`"),
        ({"orthogonality": -1}, ValueError, "`orthogonality`"),
        ({"subspaces": 3}, ValueError, "`subspaces` must divide the 4 channels of 'dense1_orthogonality'; received 3"),
        ({"subspaces": 3, "orthogonality": 0}, ValueError, "`subspaces` must divide the 4 channels that 'dense1_sluice' reads; received 3"),
        ({"inputs": (4,), "trunk": layers.LayerNormalization()}, ValueError, "`orthogonality` must be 0 for a trunk without kernels"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"flat": layers.Flatten()})}, ValueError, "`trunk` must have a stage with weights"),
        ({"inputs": (6, 6, 1), "trunk": layers.Conv2D(2, 3)}, ValueError, "Flatten"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)
