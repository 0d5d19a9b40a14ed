"""Progressive layered extraction: known answers of its own."""

import keras
import numpy as np
import pytest

from mtlzoo import trunks
from tests import helpers
from tests.architectures.expert_cases import TASKS, blocks_reached, build, data, gradients, same_training


def test_one_level_is_cgc(rng):
    one, cgc = build("ple", levels=(), own=2, tower=(3,)), build("cgc", own=2, tower=(3,))
    assert helpers.same_weights(one, cgc)
    same_training(one, cgc, *data(rng))


def dense(x, layer, copy, activation="relu"):
    kernel, *bias = layer.copy_weights(copy)
    y = x @ kernel + (bias[0] if bias else 0)
    if activation == "relu":
        return np.maximum(y, 0)
    powers = np.exp(y - y.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def naive(model, x, own, shared, levels):
    """What the towers read, with a product an expert and a gate."""
    names = [task.name for task in TASKS]
    read = {**dict.fromkeys(names, x), "shared": x}

    def expert(level, sort, copy):
        y = read["shared" if sort == "shared" else copy.split("_")[0]]
        stages = [f"{sort}_experts_dense{n}_dense" for n in (1, 2)] if level == 1 else [f"level{level}_{sort}_experts"]
        for stage in stages:
            y = dense(y, model.get_layer(stage), copy)
        return y

    for level in range(1, levels + 1):
        mine = {name: [expert(level, "own", f"{name}_expert{index}") for index in range(own)] for name in names}
        common = [expert(level, "shared", f"shared{index}") for index in range(shared)]
        found = {}
        for name in names:
            gates = dense(read[name], model.get_layer(f"level{level}_gates"), name, "softmax")
            found[name] = sum(gates[:, [index]] * part for index, part in enumerate(mine[name] + common))
        if level < levels:
            gates = dense(read["shared"], model.get_layer(f"level{level}_shared_gate"), "shared", "softmax")
            every = [part for name in names for part in mine[name]] + common
            found["shared"] = sum(gates[:, [index]] * part for index, part in enumerate(every))
        read = found
    return np.stack([read[name] for name in names], 1)


@pytest.mark.parametrize(("own", "shared", "levels"), [(1, 1, (7,)), (2, 3, (7, 3))])
def test_equals_a_product_an_expert_and_a_gate(own, shared, levels, rng):
    model = build("ple", own=own, shared=shared, levels=levels)
    x, _ = data(rng)
    last = len(levels) + 1
    found = keras.Model(model.input, model.get_layer(f"level{last}_mixture").output).predict(x, verbose=0)
    np.testing.assert_allclose(found, naive(model, x, own, shared, last), atol=1e-5)


def test_parameters_by_formula():
    first, heads = (2 * 2 + 3) * ((5 * 4 + 4) + (4 * 6 + 6)) + 2 * 5 * (2 + 3) + 5 * (2 * 2 + 3), (8 * 3 + 3) + (8 + 1)
    second = (2 * 2 + 3) * (6 * 7 + 7) + 2 * 6 * (2 + 3) + 6 * (2 * 2 + 3)
    third = (2 * 2 + 3) * (7 * 8 + 8) + 2 * 7 * (2 + 3)
    assert build("ple", own=2, shared=3, levels=(7, 8)).count_params() == first + second + third + heads


def test_the_last_level_and_the_gate_before_it_serve_one_task_alone_and_the_rest_all(rng):
    model = build("ple", own=2, levels=(7, 8), tower=(3,))
    x, _ = data(rng)
    found = blocks_reached(model, x)
    assert set(found) == {"level3_own_experts", "level2_gates", "level3_gates", "towers1"}
    assert all(reached == {0: {0}, 1: {1}} for reached in found.values())
    through = gradients(model, x, "a")
    for name in ("own_experts_dense1_dense", "level2_own_experts", "level1_gates"):
        mine, other = np.split(through[f"{name}/kernel"], 2)
        assert np.any(mine) and np.any(other), f"the shared gate hands {name} of the other task on"


def test_all_start_different():
    model = build("ple", own=2, levels=(6, 6))
    kernels = [model.get_layer(f"level{level}_{sort}_experts").kernel.numpy() for level in (2, 3) for sort in ("own", "shared")]
    kernels = np.concatenate(kernels).reshape(12, -1)
    assert len(np.unique(kernels, axis=0)) == 12
    gates = np.concatenate([model.get_layer(f"level{level}_gates").kernel.numpy() for level in (2, 3)])
    assert len(np.unique(gates.reshape(4, -1), axis=0)) == 4


def test_no_own_experts_on_images(rng):
    model = build("ple", inputs=(6, 6, 1), trunk=trunks.cnn((3, 4)), own=0)
    x, y = data(rng, (6, 6, 1))
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])
    assert {name: matrix.shape for name, matrix in model.sharing(x).items()} == {
        "level1_gates": (2, 2),
        "level1_shared_gate": (1, 2),
        "level2_gates": (2, 2),
    }


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [({"levels": 64}, TypeError, "`levels` must be a sequence of widths"), ({"levels": (0,)}, ValueError, "`levels` must be")],
)
def test_bad_levels_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build("ple", **arguments)
