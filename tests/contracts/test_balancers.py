"""What every balancer must do, whichever it is."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, balancing, trunks
from tests import helpers

NAMES = balancing.names()
LOSSES = [name for name in NAMES if balancing.get(name).needs == "losses"]


# Those whose training is tested by default; that of the others takes minutes and is marked slow.
SAMPLE = ("uncertainty_weighting", "famo", "rlw", "pcgrad", "mgda")


# Fixed weights are given in order, PCD's first task is the primary one, and LDC-MTL compares neighbours.
ORDERED = ("fixed", "pcd", "ldcmtl")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(params=[pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in NAMES])
def trained(request):
    return request.param


def prepared(name, count=3, size=None):
    balancer = balancing.get(name)
    balancer.set_tasks(["regression"] * count, [size or max(7, 2 * count)])
    return balancer


def step(balancer, losses, rows=None, present=None):
    """Weights of one step with task gradients `rows` [T, d], or the direction where there are none; the state moves on."""
    losses = tf.constant(losses, "float32")
    present = tf.ones(len(losses), "bool") if present is None else tf.constant(present)
    rows = tf.constant(some_rows(len(losses)) if rows is None else rows, "float64")
    direction, weights = balancer.combine(losses, present, rows)
    assert np.all(np.isfinite(direction))
    if balancer.looks_again:
        balancer.look_again(losses, losses * 0.9, present)
    return np.asarray(direction if weights is None else weights, "float64")


def some_rows(count=3, scales=None):
    rows = np.random.default_rng(count).normal(size=(count, max(7, 2 * count)))
    return rows * np.ones((count, 1)) if scales is None else rows * np.asarray(scales)[:, None]


def state(balancer):
    return [variable.numpy().copy() for variable in [*balancer.variables, *getattr(balancer, "optimizer", balancer).variables]]


def model_with(balancer, tasks=None):
    tasks = tasks or [Task.multiclass("colour", 3), Task.regression("price", alpha=0.5)]
    return mtlzoo.architectures.hard_sharing((6,), tasks, trunk=trunks.mlp((8,)), seed=0, balancer=balancer)


def some_data(tasks, rng, rows=32):
    return rng.normal(size=(rows, 6)).astype("float32"), helpers.labels_for(tasks, rows, rng)


def test_builds_with_defaults_and_keeps_its_config(name):
    balancer = balancing.get(name)
    before = balancer.get_config()
    balancer.set_tasks(["regression", "multiclass"], [4])
    assert balancer.get_config() == before
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(balancer))
    assert type(again) is type(balancer) and again.get_config() == before
    arguments = set(inspect.signature(type(balancer)).parameters)
    assert set(before) == arguments, "every argument is in the configuration"
    assert "name" in arguments and ("freeze_after" in arguments) == balancer.weighs
    assert ("every" in arguments) == (balancer.needs != "losses" and balancer.weighs and name != "cr_mogm")
    assert "at" in arguments or balancer.needs in ("losses", "batches", "jacobian") or balancer.rotates or name == "cr_mogm"
    assert balancer.name == name


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_weights_are_finite_at_any_scale(name, scale):
    balancer = prepared(name)
    for _ in range(4):
        weights = step(balancer, [scale, 1.0, 1.0 / scale], some_rows() * scale)
        assert np.all(np.isfinite(weights))
    assert np.all(np.isfinite(step(balancer, [0.0, 0.0, 0.0], some_rows() * scale)))
    if balancer.needs != "losses":
        unlike = prepared(name)
        for scales in ([1e-6, 1.0, 1e6], [1e6, 1e-6, 1e-6]):
            assert np.all(np.isfinite(step(unlike, [1.0, 1.0, 1.0], some_rows(scales=scales))))


@pytest.mark.parametrize("rows", ["zero", "one zero", "repeated", "opposed", "parallel"])
def test_weights_are_finite_on_degenerate_gradients(name, rows):
    base = some_rows(2)
    rows = {
        "zero": np.zeros((3, 7)),
        "one zero": np.vstack([base, np.zeros(7)]),
        "repeated": np.vstack([base, base[1]]),
        "opposed": np.vstack([base, -base[1]]),
        "parallel": np.vstack([base, base[1] * (1 + 1e-9)]),
    }[rows]
    balancer = prepared(name)
    for _ in range(3):
        assert np.all(np.isfinite(step(balancer, [1.0, 2.0, 3.0], rows)))


@pytest.mark.parametrize("count", [1, 2, 32])
def test_any_number_of_tasks_in_the_graph_as_outside(name, count):
    losses, rows = np.linspace(0.5, 2.0, count).astype("float32"), some_rows(count)
    eager, traced = prepared(name, count), prepared(name, count)
    function = tf.function(lambda losses, rows: traced.combine(losses, tf.ones(count, "bool"), rows))
    direction, weights = function(tf.constant(losses), tf.constant(rows))
    weights = (direction if weights is None else weights).numpy()
    assert weights.shape == ((count,) if traced.weighs else (rows.shape[1],)) and np.all(np.isfinite(weights))
    if not eager.draws:
        np.testing.assert_allclose(weights, step(eager, losses, rows), rtol=1e-6)
    if count == 1 and traced.weighs:
        assert weights[0] >= 0


def test_permuted_tasks_give_permuted_weights(name):
    if balancing.get(name).draws:
        pytest.skip("weights are drawn at random: permuted only on average, which the item's own test holds")
    one, other = prepared(name), prepared(name)
    if name in ORDERED:
        pytest.skip("the order of the tasks means something")
    losses, rows, order = np.array([0.3, 2.0, 11.0]), some_rows(), [2, 0, 1]
    for _ in range(5):
        weights, permuted = step(one, losses, rows), step(other, losses[order], rows[order])
        np.testing.assert_allclose(permuted, weights[order] if one.weighs else weights, rtol=1e-5, atol=1e-9)


def test_a_task_without_labels_leaves_the_others_as_they_are(name):
    three, two = prepared(name, 3), prepared(name, 2, size=7)
    rows = some_rows(2)
    for _ in range(5):
        with_absent = step(three, [0.5, 2.0, 0.0], np.vstack([rows, np.zeros(7)]), [True, True, False])
        alone = step(two, [0.5, 2.0], rows)
        if not three.draws:
            np.testing.assert_allclose(with_absent[:2] if three.weighs else with_absent, alone, rtol=1e-5, atol=1e-9)
        assert np.all(np.isfinite(with_absent))


def test_one_task_trains(trained, rng):
    tasks = [Task.regression("price")]
    model = model_with(trained, tasks)
    history = model.fit(*some_data(tasks, rng), epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_trains_and_logs_its_weights(trained, rng):
    model = model_with(trained)
    x, y = some_data(model.tasks, rng)
    history = model.fit(x, y, validation_data=(x, y), batch_size=8, epochs=8, verbose=0).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    for task in model.tasks:
        assert (f"{task.name}_weight" in history) == model.balancer.weighs and f"val_{task.name}_weight" not in history
        assert np.all(np.isfinite(history.get(f"{task.name}_weight", 0.0)))


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in LOSSES])
def test_weights_of_losses_multiply_the_alphas_in_the_gradient(name, rng):
    model = model_with(name)
    model.compile(keras.optimizers.SGD(1.0), balancer=name)
    x, y = some_data(model.tasks, rng)
    if model.balancer.draws:
        pytest.skip("weights are drawn at random")
    fresh = balancing.get(name)
    fresh.set_tasks([task.kind for task in model.tasks])
    with tf.GradientTape() as tape:
        losses, _ = model.task_losses(*model.task_losses.pick(y, model(x, training=True), None))
        weights = tf.cast(fresh(losses, tf.ones(2, "bool")), "float32")
        total = tf.reduce_sum(tf.constant([1.0, 0.5]) * tf.stop_gradient(weights) * losses)
    wanted = [
        v.numpy() - g.numpy() for v, g in zip(model.trainable_variables, tape.gradient(total, model.trainable_variables), strict=True)
    ]
    logs = model.train_on_batch(x, y, return_dict=True)
    for variable, value in zip(model.trainable_variables, wanted, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([logs["colour_weight"], logs["price_weight"]], weights, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], np.dot([1.0, 0.5], losses), rtol=1e-5)


def test_saved_and_continued_as_without_the_break(trained, rng, tmp_path):
    balancer = balancing.get(trained)
    config = balancer.get_config()
    modes = {"at": "representation"} if balancer.needs == "gram" else {}
    modes |= {"every": 2, "freeze_after": 15} if balancer.needs != "losses" else {}
    balancer = type(balancer).from_config(config | {key: value for key, value in modes.items() if key in config})
    model = model_with(balancer)
    x, y = some_data(model.tasks, rng)
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.balancer) is type(model.balancer)
    assert loaded.balancer.get_config() == model.balancer.get_config()
    for one, other in zip(state(model.balancer), state(loaded.balancer), strict=True):
        np.testing.assert_array_equal(one, other)
    ours, theirs = (m.fit(x, y, batch_size=8, shuffle=False, initial_epoch=2, epochs=5, verbose=0).history for m in (model, loaded))
    assert ours == theirs
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)


def test_state_is_no_weight_of_the_network(name):
    plain, balanced = model_with(None), model_with(name)
    rotations = [w.path for layer in balanced.layers if isinstance(layer, mtlzoo.layers.Rotation) for w in layer.weights]
    assert len(rotations) == (2 if balanced.balancer.rotates else 0)
    assert [w.path for w in balanced.weights if w.path not in rotations] == [w.path for w in plain.weights]


def test_works_under_a_strategy(trained, rng):
    with helpers.two_replicas().scope():
        model = model_with(trained)
    x, y = some_data(model.tasks, rng)
    history = model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), epochs=6, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
