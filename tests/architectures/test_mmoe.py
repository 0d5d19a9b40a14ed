"""Multi-gate mixtures of experts: known answers of their own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="mmoe", inputs=(5,), **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, TASKS, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


@pytest.mark.parametrize("name", ["mmoe", "omoe"])
@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_one_expert_is_hard_sharing(name, trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6)), "tower": (3,)}
    one, hard = build(name, experts=1, **options), build("hard_sharing", **options)
    for layer in one.layers:
        if layer.name.startswith("experts_") and layer.weights:
            layer.set_copy_weights("expert0", hard.get_layer(layer.name.removeprefix("experts_")).get_weights())
    x, y = data(rng, inputs)
    for model in (one, hard):
        model.compile("sgd")
    ours, theirs = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (one, hard))
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in hard.predict(x, verbose=0).items():
        np.testing.assert_allclose(one.predict(x, verbose=0)[task], output, atol=1e-5)


def naive(model, experts):
    """The same mathematics with a layer an expert, a gate and a tower, in plain Keras, with the weights of `model`."""
    x = keras.Input((5,))
    fused, weights = {layer.name: layer for layer in model.layers}, {}
    features, outputs = [], {}

    def dense(layer, copy, units, activation, read, use_bias=True):
        made = layers.Dense(units, activation=activation, use_bias=use_bias)
        weights[made] = fused[layer].copy_weights(copy) if copy else fused[layer].get_weights()
        return made(read)

    for index in range(experts):
        h = dense("experts_dense1_dense", f"expert{index}", 4, "relu", x)
        features.append(dense("experts_dense2_dense", f"expert{index}", 6, "relu", h))
    features = layers.Lambda(lambda hs: keras.ops.stack(hs, axis=1))(features)
    for task in TASKS:
        gate = dense("gates", task.name, experts, "softmax", x, use_bias=False)
        tower = dense("towers1", task.name, 3, "relu", layers.Dot(axes=(1, 1))([gate, features]))
        outputs[task.name] = dense(task.name, None, task.units, task.activation, tower)
    made = keras.Model(x, outputs)
    for layer, values in weights.items():
        layer.set_weights(values)
    return made


def test_equals_one_layer_an_expert_a_gate_and_a_tower(rng):
    model = build(experts=5, tower=(3,))
    x, _ = data(rng)
    plain = naive(model, 5)
    assert plain.count_params() == model.count_params()
    for task, output in plain.predict(x, verbose=0).items():
        np.testing.assert_allclose(model.predict(x, verbose=0)[task], output, atol=1e-5)


def test_experts_and_gates_start_different_and_gates_sum_to_one(rng):
    model = build(experts=3)
    kernels = [model.get_layer("experts_dense1_dense").copy_weights(index)[0] for index in range(3)]
    assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[1], kernels[2])
    assert not np.allclose(*[model.get_layer("gates").copy_weights(name)[0] for name in "ab"])
    x, _ = data(rng)
    gates = keras.Model(model.input, model.get_layer("gates").output).predict(x, verbose=0)
    np.testing.assert_allclose(gates.sum(-1), 1, rtol=1e-5)
    assert gates.shape == (48, 2, 3) and gates.min() > 0


def test_parameters_by_formula():
    experts, gates, heads = 3 * ((5 * 4 + 4) + (4 * 6 + 6)), 2 * 5 * 3, (6 * 3 + 3) + (6 + 1)
    assert build(experts=3).count_params() == experts + gates + heads
    stem, experts = 5 * 4 + 4, 3 * (4 * 6 + 6)
    assert build(experts=3, stem=1).count_params() == stem + experts + 2 * 4 * 3 + heads


def test_images_have_a_stem_whose_output_gates_read_without_places(rng):
    model = build(inputs=(8, 8, 1), trunk=trunks.cnn((3, 4), dense=(6,)), experts=2)
    assert model.get_layer("gates").kernel.shape == (2, 3, 2)
    stem = (9 * 3 + 3) + 2 * 3 * 2
    assert model.count_params() == stem + 2 * ((3 * 9 * 4 + 4) + (2 * 2 * 4 * 6 + 6)) + (6 * 3 + 3) + (6 + 1)
    x, _ = data(rng, (8, 8, 1))
    read = keras.Model(model.input, [model.get_layer("conv1_pool").output, model.get_layer("gates_pool").output])
    maps, vectors = read.predict(x, verbose=0)
    np.testing.assert_allclose(vectors, maps.mean((1, 2)), rtol=1e-4)


@pytest.mark.parametrize("name", ["mmoe", "omoe"])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"experts": 0}, ValueError, "`experts` must be a whole number at least 1"),
        ({"stem": 2}, ValueError, r"`stem` must leave at least one of the trunk's stages \['dense1', 'dense2'\]"),
        ({"stem": -1}, ValueError, "`stem`"),
        ({"inputs": (6, 6, 1), "trunk": keras.Sequential([layers.Flatten(), layers.Dense(3)])}, ValueError, "must leave at least one"),
        ({"trunk": keras.Sequential([keras.Input((5,)), layers.Dense(3)])}, ValueError, "all would start equal"),
        ({"inputs": keras.Input((6,), dtype="int32"), "stem": 0}, ValueError, "`stem` must be at least 1 here"),
        ({"trunk": trunks.Trunk({"a": layers.Dense(3), "b": layers.ReLU()}), "stem": 1}, ValueError, "must have weights behind its stem"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": layers.Conv2D(2, 3), "b": layers.Conv2D(2, 3)})}, ValueError, "Flatten"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        build(name, **arguments)
