"""Adaptive task-to-task fusion: known answers of its own."""

import keras
import numpy as np
import pytest

from mtlzoo import trunks
from tests.architectures.expert_cases import TASKS, blocks_reached, build, data, gradients, same_training


def freeze_native(model, value):
    for layer in model.layers:
        if hasattr(layer, "native"):
            layer.native.assign(np.full(layer.native.shape, value))
            layer.native.trainable = False


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_one_level_without_the_residual_is_mmoe(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6)), "tower": (3,)}
    ours, theirs = build("adatt", own=2, shared=1, levels=(), **options), build("mmoe", experts=5, **options)
    freeze_native(ours, 0.0)
    for layer in ours.layers:
        if layer.name.startswith("experts_") and layer.weights:
            layer.set_weights(theirs.get_layer(layer.name).get_weights())
    same_training(ours, theirs, *data(rng, inputs))


def test_gates_that_pick_the_own_expert_give_a_network_a_task_and_its_residual(rng):
    model = build("adatt", levels=(7,))
    x, _ = data(rng)
    x[:, 0] = 1.0
    kernel = np.zeros((2, 5, 2), "float32")
    kernel[0, 0], kernel[1, 0] = [100, -100], [-100, 100]
    model.get_layer("level1_gates").kernel.assign(kernel)
    found = keras.Model(model.input, model.get_layer("level1_mixture").output).predict(x, verbose=0)
    single = build("single_task")
    for index, task in enumerate(TASKS):
        layers = [model.get_layer(f"experts_{stage}_dense").copy_weights(f"{task.name}_expert0") for stage in ("dense1", "dense2")]
        for stage, weights in zip(("dense1", "dense2"), layers, strict=True):
            single.get_layer(f"{task.name}_{stage}_dense").set_weights(weights)
        alone = keras.Model(single.input, single.get_layer(f"{task.name}_dense2_dense").output).predict(x, verbose=0)
        np.testing.assert_allclose(found[:, index], 2 * alone, atol=1e-5)


def softmax(values):
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def naive(model, x, own, shared, levels):
    """What the towers read, with a product an expert and a gate."""
    units = {**{task.name: own for task in TASKS}, "shared": shared}
    read = dict.fromkeys(units, x)
    for level in range(1, levels + 1):
        outputs = {unit: [] for unit in units}
        for unit, count in units.items():
            for index in range(count):
                y = read[unit]
                stages = ("experts_dense1_dense", "experts_dense2_dense") if level == 1 else (f"level{level}_experts",)
                for stage in stages:
                    kernel, bias = model.get_layer(stage).copy_weights(f"{unit}{'_expert' if unit != 'shared' else ''}{index}")
                    y = np.maximum(y @ kernel + bias, 0)
                outputs[unit].append(y)
        found = {}
        for unit in units:
            if unit == "shared" and (level == levels or not shared):
                continue
            kernel, native = model.get_layer(f"level{level}_{'shared_gate' if unit == 'shared' else 'gates'}").copy_weights(unit)
            gates = softmax(read[unit] @ kernel)
            everything = [part for parts in outputs.values() for part in parts]
            gated = sum(gates[:, [index]] * part for index, part in enumerate(everything))
            found[unit] = gated + sum(weight * part for weight, part in zip(native, outputs[unit], strict=True))
        read = found
    return np.stack([read[task.name] for task in TASKS], 1)


@pytest.mark.parametrize(("own", "shared", "levels"), [(1, 0, (7,)), (2, 3, (7, 3)), (3, 1, (4,))])
def test_equals_a_product_an_expert_and_a_gate(own, shared, levels, rng):
    model = build("adatt", own=own, shared=shared, levels=levels)
    for layer in model.layers:
        if hasattr(layer, "native"):
            layer.native.assign(rng.normal(size=layer.native.shape))
    x, _ = data(rng)
    last = len(levels) + 1
    found = keras.Model(model.input, model.get_layer(f"level{last}_mixture").output).predict(x, verbose=0)
    np.testing.assert_allclose(found, naive(model, x, own, shared, last), rtol=1e-4, atol=1e-4)


def test_parameters_by_formula():
    heads = (8 * 3 + 3) + (8 + 1)
    first = 4 * ((5 * 4 + 4) + (4 * 6 + 6)) + 2 * (5 * 4 + 2)
    assert build("adatt", own=2, levels=(8,)).count_params() == first + 4 * (6 * 8 + 8) + 2 * (6 * 4 + 2) + heads
    first = 7 * ((5 * 4 + 4) + (4 * 6 + 6)) + 2 * (5 * 7 + 2) + 5 * 7 + 3
    second = 7 * (6 * 7 + 7) + 2 * (6 * 7 + 2) + 6 * 7 + 3
    third = 7 * (7 * 8 + 8) + 2 * (7 * 7 + 2)
    assert build("adatt", own=2, shared=3, levels=(7, 8)).count_params() == first + second + third + heads


def test_only_the_last_gates_serve_one_task_alone(rng):
    model = build("adatt", own=2, shared=1, levels=(7, 8), tower=(3,))
    x, _ = data(rng)
    found = blocks_reached(model, x)
    assert set(found) == {"level3_gates", "towers1"} and all(reached == {0: {0}, 1: {1}} for reached in found.values())
    through = gradients(model, x, "a")
    for name in ("experts_dense1_dense/kernel", "level3_experts/kernel", "level2_gates/kernel", "level2_gates/native"):
        assert np.all(np.any(through[name].reshape(len(through[name]), -1), axis=1)), name


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"own": 0}, ValueError, "`own` must be a whole number at least 1"),
        ({"shared": -1}, ValueError, "`shared` must be a whole number at least 0"),
        ({"levels": "64"}, TypeError, "`levels` must be a sequence of widths"),
        ({"stem": 2}, ValueError, "`stem` must leave at least one"),
        (
            {"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": keras.layers.Conv2D(2, 3), "b": keras.layers.Conv2D(2, 3)})},
            ValueError,
            "Flatten",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build("adatt", **arguments)
