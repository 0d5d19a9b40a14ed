"""Customized gate control: known answers of its own."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo import trunks
from tests.architectures.expert_cases import TASKS, blocks_reached, build, data, same_training


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_without_own_experts_it_is_mmoe(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6)), "tower": (3,)}
    ours, theirs = build("cgc", own=0, shared=3, **options), build("mmoe", experts=3, **options)
    for layer in ours.layers:
        if layer.name.startswith("shared_experts_") and layer.weights:
            layer.set_weights(theirs.get_layer(layer.name.removeprefix("shared_")).get_weights())
    same_training(ours, theirs, *data(rng, inputs))


def naive(model, own, shared):
    """The features of both tasks with a product a layer, an expert and a gate."""

    def expert(x, sort, copy):
        for stage in ("dense1", "dense2"):
            kernel, bias = model.get_layer(f"{sort}_experts_{stage}_dense").copy_weights(copy)
            x = np.maximum(x @ kernel + bias, 0)
        return x

    def run(x):
        common = [expert(x, "shared", f"shared{index}") for index in range(shared)]
        found = []
        for task in TASKS:
            read = [expert(x, "own", f"{task.name}_expert{index}") for index in range(own)] + common
            powers = np.exp(x @ model.get_layer("gates").copy_weights(task.name)[0])
            gates = powers / powers.sum(-1, keepdims=True)
            found.append(sum(gates[:, [index]] * part for index, part in enumerate(read)))
        return np.stack(found, 1)

    return run


@pytest.mark.parametrize(("own", "shared"), [(1, 1), (2, 3)])
def test_equals_a_product_an_expert_and_a_gate(own, shared, rng):
    model = build("cgc", own=own, shared=shared)
    x, _ = data(rng)
    found = keras.Model(model.input, model.get_layer("mixture").output).predict(x, verbose=0)
    np.testing.assert_allclose(found, naive(model, own, shared)(x), atol=1e-5)


def test_experts_start_different_and_gates_sum_to_one(rng):
    model = build("cgc", own=2, shared=2)
    kernels = np.concatenate([model.get_layer(f"{sort}_experts_dense1_dense").kernel.numpy() for sort in ("own", "shared")])
    assert len(np.unique(kernels.reshape(6, -1), axis=0)) == 6
    x, _ = data(rng)
    gates = keras.Model(model.input, model.get_layer("gates").output).predict(x, verbose=0)
    np.testing.assert_allclose(gates.sum(-1), 1, rtol=1e-5)
    assert gates.shape == (48, 2, 4) and gates.min() > 0
    np.testing.assert_allclose(model.sharing(x)["gates"], gates.mean(0), rtol=1e-4)


def test_own_experts_and_gates_serve_their_task_alone(rng):
    model = build("cgc", own=2, tower=(3,))
    found = blocks_reached(model, data(rng)[0])
    assert set(found) == {"own_experts_dense1_dense", "own_experts_dense2_dense", "gates", "towers1"}
    assert all(reached == {0: {0}, 1: {1}} for reached in found.values())


def test_parameters_by_formula():
    expert, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build("cgc", own=2, shared=3).count_params() == (2 * 2 + 3) * expert + 2 * 5 * (2 + 3) + heads
    stem, expert = 5 * 4 + 4, 4 * 6 + 6
    assert build("cgc", own=1, shared=1, stem=1).count_params() == stem + 3 * expert + 2 * 4 * 2 + heads


def test_batch_norm_in_experts_trains(rng):
    model = build("cgc", inputs=(6, 6, 1), trunk=trunks.cnn((3, 4), batch_norm=True))
    x, y = data(rng, (6, 6, 1))
    model.fit(x, y, verbose=0)
    assert np.all(model.get_layer("own_experts_conv2_norm").moving_mean.numpy() != 0)


@pytest.mark.parametrize("name", ["cgc", "ple"])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"own": -1}, ValueError, "`own` must be a whole number at least 0"),
        ({"shared": 0}, ValueError, "`shared` must be a whole number at least 1"),
        ({"own": 1.5}, TypeError, "`own` must be a whole number"),
        ({"stem": 2}, ValueError, r"`stem` must leave at least one of the trunk's stages \['dense1', 'dense2'\]"),
        ({"trunk": trunks.Trunk({"a": layers.Dense(3), "b": layers.ReLU()}), "stem": 1}, ValueError, "must have weights behind its stem"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": layers.Conv2D(2, 3), "b": layers.Conv2D(2, 3)})}, ValueError, "Flatten"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        build(name, **arguments)
