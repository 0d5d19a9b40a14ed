"""What every balancer must do, whichever it is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, balancing, trunks
from tests import helpers


@pytest.fixture(params=balancing.names())
def name(request):
    return request.param


def prepared(name, count=3):
    balancer = balancing.get(name)
    balancer.set_tasks(["regression"] * count)
    return balancer


def step(balancer, losses, present=None):
    losses = tf.constant(losses, "float32")
    present = tf.ones(len(losses), "bool") if present is None else tf.constant(present)
    weights = balancer(losses, present).numpy()
    balancer.advance(losses, present, weights=weights)
    return weights


def state(balancer):
    return [variable.numpy().copy() for variable in [*balancer.variables, *getattr(balancer, "optimizer", balancer).variables]]


def model_with(balancer, tasks=None):
    tasks = tasks or [Task.multiclass("colour", 3), Task.regression("price", alpha=0.5)]
    return mtlzoo.architectures.hard_sharing((6,), tasks, trunk=trunks.mlp((8,)), seed=0, balancer=balancer)


def test_builds_with_defaults_and_keeps_its_config(name):
    balancer = balancing.get(name)
    before = balancer.get_config()
    balancer.set_tasks(["regression", "multiclass"])
    assert balancer.get_config() == before
    assert type(balancer).from_config(before).get_config() == before


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_weights_are_finite_and_positive_at_any_scale(name, scale):
    balancer = prepared(name)
    for _ in range(5):
        weights = step(balancer, [scale, 1.0, 1.0 / scale])
        assert np.all(np.isfinite(weights)) and np.all(weights >= 0)
    assert np.all(np.isfinite(step(balancer, [0.0, 0.0, 0.0])))


def test_permuted_tasks_give_permuted_weights(name):
    one, other = prepared(name), prepared(name)
    losses, order = np.array([0.3, 2.0, 11.0]), [2, 0, 1]
    for _ in range(5):
        weights, permuted = step(one, losses), step(other, losses[order])
        np.testing.assert_allclose(permuted, weights[order], rtol=1e-6)


def test_a_task_without_labels_leaves_the_others_as_they_are(name):
    three, two = prepared(name, 3), prepared(name, 2)
    for _ in range(5):
        with_absent = step(three, [0.5, 2.0, 0.0], [True, True, False])
        np.testing.assert_allclose(with_absent[:2], step(two, [0.5, 2.0]), rtol=1e-6)


def test_one_task_trains(name, rng):
    model = model_with(name, [Task.regression("price")])
    x, y = rng.normal(size=(32, 6)), rng.normal(size=32)
    history = model.fit(x, {"price": y}, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_weights_multiply_the_alphas_in_the_gradient(name, rng):
    model = model_with(name)
    model.compile(keras.optimizers.SGD(1.0), balancer=name)
    x, y = rng.normal(size=(32, 6)).astype("float32"), helpers.labels_for(model.tasks, 32, rng)
    fresh = balancing.get(name)
    fresh.set_tasks([task.kind for task in model.tasks])
    with tf.GradientTape() as tape:
        losses, _ = model._task_losses(y, model(x, training=True), None)
        weights = fresh(losses, tf.ones(2, "bool"))
        total = tf.reduce_sum(tf.constant([1.0, 0.5]) * tf.stop_gradient(weights) * losses)
    wanted = [
        v.numpy() - g.numpy() for v, g in zip(model.trainable_variables, tape.gradient(total, model.trainable_variables), strict=True)
    ]
    logs = model.train_on_batch(x, y, return_dict=True)
    for variable, value in zip(model.trainable_variables, wanted, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, atol=1e-5)
    np.testing.assert_allclose([logs["colour_weight"], logs["price_weight"]], weights, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], np.dot([1.0, 0.5], losses), rtol=1e-5)


def test_saved_and_continued_as_without_the_break(name, rng, tmp_path):
    model = model_with(name)
    x, y = rng.normal(size=(32, 6)).astype("float32"), helpers.labels_for(model.tasks, 32, rng)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.balancer) is type(model.balancer)
    assert loaded.balancer.get_config() == model.balancer.get_config()
    for one, other in zip(state(model.balancer), state(loaded.balancer), strict=True):
        np.testing.assert_array_equal(one, other)
    ours, theirs = (m.fit(x, y, batch_size=8, shuffle=False, epochs=3, verbose=0).history for m in (model, loaded))
    assert ours == theirs
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)


def test_state_is_no_weight_of_the_network(name):
    plain, balanced = model_with(None), model_with(name)
    assert [w.path for w in balanced.weights] == [w.path for w in plain.weights]


def test_works_under_a_strategy(name, rng):
    with helpers.two_replicas().scope():
        model = model_with(name)
    x, y = rng.normal(size=(32, 6)).astype("float32"), helpers.labels_for(model.tasks, 32, rng)
    history = model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
