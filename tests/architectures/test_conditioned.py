"""A network told which task it serves: known answers of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name="conditioned", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def films(model):
    return [layer for layer in model.layers if hasattr(layer, "sharing")]


def modulate(model, rng):
    for film in films(model):
        film.set_weights([rng.normal(size=weight.shape) for weight in film.get_weights()])


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_with_the_modulation_zero_it_is_hard_sharing_in_training_too(trunk, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    trunk = trunks.cnn((3, 4), dense=(5,), batch_norm=True) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True)
    ours, hard = build(inputs=inputs, trunk=trunk, tower=(3,)), build("hard_sharing", inputs, trunk=trunk, tower=(3,))
    for film in films(ours):
        film.trainable = False
    for model in (ours, hard):
        model.compile("sgd")
    x, y = data(rng, inputs)
    mine, theirs = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (ours, hard))
    for key, values in theirs.items():
        np.testing.assert_allclose(mine[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in hard.predict(x, verbose=0).items():
        np.testing.assert_allclose(ours.predict(x, verbose=0)[task], output, atol=1e-5)


def test_is_the_trunk_with_a_scale_and_a_shift_behind_each_stage(rng):
    model = build()
    modulate(model, rng)
    x, _ = data(rng)
    found = keras.Model(model.input, films(model)[-1].output).predict(x, verbose=0)
    for task in range(2):
        h = x
        for stage in ("dense1", "dense2"):
            kernel, bias = model.get_layer(f"{stage}_dense").get_weights()
            gamma, beta = model.get_layer(f"{stage}_film").get_weights()
            h = (1 + gamma[task]) * np.maximum(h @ kernel + bias, 0) + beta[task]
        np.testing.assert_allclose(found[:, task], h, rtol=1e-4, atol=1e-4)


def test_one_input_a_task_gives_what_one_input_gives(rng):
    alone, apart = build(), build(inputs={"a": (5,), "b": (5,)})
    modulate(alone, rng)
    for layer in films(alone):
        apart.get_layer(layer.name).set_weights(layer.get_weights())
    x, _ = data(rng)
    found = apart.predict({"a_input": x, "b_input": x}, verbose=0)
    for task, output in alone.predict(x, verbose=0).items():
        np.testing.assert_allclose(found[task], output, atol=1e-5)


def test_masks_reach_the_later_stages(tmp_path):
    stages = {"embed": keras.layers.Embedding(9, 4, mask_zero=True), "pool": keras.layers.GlobalAveragePooling1D()}
    model = build(inputs=keras.Input((None,), dtype="int32"), trunk=trunks.Trunk(stages))
    short = np.array([[3, 5, 7]])
    for task, output in model.predict(short, verbose=0).items():
        np.testing.assert_allclose(model.predict(np.pad(short, ((0, 0), (0, 4))), verbose=0)[task], output, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(short, verbose=0)["a"], model.predict(short, verbose=0)["a"])


def test_a_task_trains_its_own_modulation_alone(rng):
    model = build()
    x, y = data(rng)
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = tf.reduce_mean(outputs["b"])
    gamma = tape.gradient(loss, films(model)[0].gamma)
    assert not np.any(gamma[0]) and np.any(gamma[1])
    sharing = Sharing(model)
    own = {model.trainable_variables[index].path for index in sharing.sliced}
    assert own == {f"{stage}_film/{kind}" for stage in ("dense1", "dense2") for kind in ("gamma", "beta")}
    assert {model.trainable_variables[index].path.split("/")[0] for index in sharing.shared} == {"dense1_dense", "dense2_dense"}


def test_sharing_names_tasks_and_grows_with_their_distance(rng):
    model = build()
    before = model.sharing()
    assert list(before) == ["dense1_film", "dense2_film"] and not any(matrix.any() for matrix in before.values())
    x, y = data(rng)
    model.fit(x, y, epochs=2, verbose=0)
    assert all(matrix[0, 1] == matrix[1, 0] > 0 for matrix in model.sharing().values())


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build().count_params() == trunk + 2 * 2 * (4 + 6) + heads
    images = build(inputs=(6, 6, 1), trunk=trunks.cnn((3, 4)))
    assert images.count_params() == (9 * 3 + 3) + (27 * 4 + 4) + 2 * 2 * (3 + 4) + (4 * 3 + 3) + (4 + 1)
