"""Shared and task-specific embeddings: known answers of their own."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo import Task, trunks
from tests.architectures.expert_cases import TASKS, blocks_reached, build, data, gradients

THREE = [*TASKS, Task.binary("c")]
OWN = {"own_dense1_dense", "own_experts_dense2_dense", "gates", "towers1"}


def dense(x, weights, relu=True):
    kernel, *bias = weights
    y = x @ kernel + (bias[0] if bias else 0)
    return np.maximum(y, 0) if relu else y


@pytest.mark.parametrize(("own", "shared"), [(1, 1), (2, 3)])
def test_forward_is_a_gate_over_all_experts(own, shared, rng):
    model = build("stem", tasks=THREE, own=own, shared=shared)
    x, _ = data(rng)
    common = dense(x, model.get_layer("shared_dense1_dense").get_weights())
    embedded = {task.name: dense(x, model.get_layer("own_dense1_dense").copy_weights(task.name)) for task in THREE}
    layer = model.get_layer("own_experts_dense2_dense")
    experts = [dense(embedded[task.name], layer.copy_weights(f"{task.name}_expert{index}")) for task in THREE for index in range(own)]
    layer = model.get_layer("shared_experts_dense2_dense")
    experts += [dense(common, layer.copy_weights(f"shared{index}")) for index in range(shared)]
    found = keras.Model(model.input, model.get_layer("mixture").output).predict(x, verbose=0)
    for place, task in enumerate(THREE):
        powers = np.exp(dense(embedded[task.name] + common, model.get_layer("gates").copy_weights(task.name), relu=False))
        gates = powers / powers.sum(-1, keepdims=True)
        np.testing.assert_allclose(found[:, place], sum(gates[:, [i]] * part for i, part in enumerate(experts)), atol=1e-5)


def test_no_task_teaches_another_s_embedding_experts_and_gate_and_all_teach_the_shared_ones(rng):
    model = build("stem", tasks=THREE, own=2, tower=(3,))
    x, _ = data(rng)
    found = blocks_reached(model, x, THREE)
    assert set(found) == OWN and all(reached == {0: {0}, 1: {1}, 2: {2}} for reached in found.values())
    for task in THREE:
        through = gradients(model, x, task.name)
        for name in ("shared_dense1_dense/kernel", "shared_experts_dense2_dense/kernel"):
            assert np.any(through[name] != 0)


def test_yet_each_task_reads_the_others_embeddings(rng):
    model = build("stem", tasks=THREE)
    x, _ = data(rng)
    before = model.predict(x, verbose=0)
    layer = model.get_layer("own_dense1_dense")
    layer.set_copy_weights("c", [1 + weight for weight in layer.copy_weights("c")])
    after = model.predict(x, verbose=0)
    assert not np.allclose(before["a"], after["a"]) and not np.allclose(before["b"], after["b"])


def test_embeddings_and_experts_start_different_and_gates_sum_to_one(rng):
    model = build("stem", tasks=THREE, own=2, shared=2)
    kernels = [*model.get_layer("own_dense1_dense").kernel.numpy(), model.get_layer("shared_dense1_dense").kernel.numpy()]
    assert len(np.unique(np.stack(kernels).reshape(4, -1), axis=0)) == 4
    kernels = [model.get_layer(f"{sort}_experts_dense2_dense").kernel.numpy() for sort in ("own", "shared")]
    assert len(np.unique(np.concatenate(kernels).reshape(8, -1), axis=0)) == 8
    x, _ = data(rng)
    gates = keras.Model(model.input, model.get_layer("gates").output).predict(x, verbose=0)
    np.testing.assert_allclose(gates.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.sharing(x)["gates"], gates.mean(0), rtol=1e-4)
    assert gates.shape == (48, 3, 8)


def test_parameters_by_formula():
    heads = (6 * 3 + 3) + (6 + 1)
    counted = build("stem", own=2, shared=3).count_params()
    assert counted == 3 * (5 * 4 + 4) + (2 * 2 + 3) * (4 * 6 + 6) + 2 * 4 * (2 * 2 + 3) + heads
    assert build("stem", embedding=2).count_params() == 3 * ((5 * 4 + 4) + (4 * 6 + 6)) + 2 * 6 * 3 + heads


@pytest.mark.parametrize("batch_norm", [False, True])
def test_images_have_gates_that_read_embeddings_without_places(batch_norm, rng):
    model = build("stem", inputs=(6, 6, 1), trunk=trunks.cnn((3, 4), batch_norm=batch_norm), own=2, shared=2)
    assert model.get_layer("gates").kernel.shape == (2, 3, 6)
    x, y = data(rng, (6, 6, 1))
    read = [model.get_layer("own_conv1_pool").output, model.get_layer("shared_conv1_pool").output]
    own, shared, vectors = keras.Model(model.input, [*read, model.get_layer("embeddings").output]).predict(x, verbose=0)
    np.testing.assert_allclose(vectors, own.mean((2, 3)) + shared.mean((1, 2))[:, None], rtol=1e-4, atol=1e-6)
    model.compile(keras.optimizers.Adam(0.01))
    losses = model.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_token_ids_have_embeddings_of_each_task(rng):
    trunk = trunks.Trunk({"look_up": [layers.Embedding(7, 4), layers.GlobalAveragePooling1D()], "think": layers.Dense(6, "relu")})
    model = build("stem", inputs=keras.Input((3,), dtype="int32", name="ids"), trunk=trunk, own=2)
    x = rng.integers(0, 7, (12, 3)).astype("int32")
    assert model.predict(x, verbose=0)["a"].shape == (12, 3)
    assert sum(np.shape(weight) == (7, 4) for weight in model.get_weights()) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"own": 0}, ValueError, "`own` must be a whole number at least 1"),
        ({"shared": 0}, ValueError, "`shared` must be a whole number at least 1"),
        ({"embedding": 0}, ValueError, "`embedding` must be a whole number at least 1"),
        ({"embedding": 3}, ValueError, "`embedding` must be at most the 2 stages of the trunk; received 3"),
        ({"embedding": 2, "own": 2}, ValueError, "`own` and `shared` must be 1 where no weights lie behind"),
        ({"embedding": 2, "shared": 2}, ValueError, "`own` and `shared` must be 1 where no weights lie behind"),
        ({"trunk": trunks.Trunk({"a": layers.Flatten(), "b": layers.Dense(3)})}, ValueError, "must have weights in its embedding"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build("stem", **arguments)
