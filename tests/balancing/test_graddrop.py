"""GradDrop against algorithm 1 of the paper written out with the same draws, over entries and at the representation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import GradDrop, _noise, aggregate
from tests import helpers
from tests.balancing import gram_cases

TASKS = (Task.regression("a"), Task.multiclass("b", 3, alpha=0.5), Task.regression("c", 2))


def draws(shape, seed=0, step=0, stream=0):
    return _noise.uniform_block(shape, seed, step, stream).numpy().astype("float64")


def masks(signed, drawn):
    """The entries [T, ...] whose sign is drawn."""
    whole = np.abs(signed).sum(axis=0)
    purity = 0.5 * (1 + signed.sum(axis=0) / np.where(whole > 0, whole, 1))
    return np.where(purity > drawn, signed > 0, signed < 0)


def prepared(tasks, size=6, **arguments):
    balancer = GradDrop(**arguments)
    balancer.set_tasks(["regression"] * tasks, [size])
    return balancer


@pytest.mark.parametrize("leak", [0.0, 0.25, [0.0, 1.0, 0.5, 0.1]])
@pytest.mark.parametrize("at", ["parameters", "representation"])
def test_agrees_with_the_algorithm_on_a_matrix(at, leak, rng):
    balancer = GradDrop(leak, seed=5, at=at)
    for step in range(4):
        jacobian = rng.normal(size=(4, 50)) * [[1e-6], [1.0], [1e6], [1.0]]
        mask = masks(jacobian, draws((50,), 5, step))
        share = np.broadcast_to(leak, 4)[:, None]
        direction, weights = aggregate(balancer, jacobian)
        np.testing.assert_allclose(direction, np.sum((share + (1 - share) * mask) * jacobian, axis=0), rtol=1e-12)
        assert weights is None


def test_at_the_representation_one_draw_a_unit_decides_by_the_signs_summed_over_the_batch(rng):
    rows, z = rng.normal(size=(3, 8, 4, 5)), rng.normal(size=(8, 4, 5))
    z[:, 0, 0] = 0
    balancer = prepared(3)
    found = balancer.direct(tf.ones(3), tf.ones(3, "bool"), [tf.constant(rows)], tf.constant(z))
    mask = masks((rows * np.sign(z)).sum(axis=1), draws((4, 5)))
    np.testing.assert_array_equal(found.rows[0], rows * mask[:, None])
    np.testing.assert_array_equal(found.factors, 1.0)
    assert 0 < mask.mean() < 1 and not mask[:, 0, 0].any()


def test_signs_are_drawn_with_the_odds_of_their_sums():
    column = np.array([2.0, 1.0, -1.0, -0.5, 0.0])
    size = 40_000
    direction = gram_cases.direction(GradDrop(), np.tile(column[:, None], size))
    assert set(np.unique(direction)) == {-1.5, 3.0}
    odds = 3.0 / 4.5
    np.testing.assert_allclose(np.mean(direction > 0), odds, atol=4 * np.sqrt(odds * (1 - odds) / size))


def test_gradients_that_agree_are_summed_and_so_are_all_with_leak_1(rng):
    agreeing = np.abs(rng.normal(size=(4, 500))) * rng.choice([-1, 1], size=500)
    for balancer, jacobian in ((GradDrop(), agreeing), (GradDrop(1.0), rng.normal(size=(4, 500))), (GradDrop(), agreeing[:1])):
        np.testing.assert_allclose(gram_cases.direction(balancer, jacobian), jacobian.sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(gram_cases.direction(GradDrop(), np.zeros((3, 4))), 0)


def test_draws_follow_from_seed_step_and_variable(rng):
    jacobian = rng.normal(size=(2, 200))
    one, other, seeded = GradDrop(seed=1), GradDrop(seed=1), GradDrop(seed=2)
    first, second = (gram_cases.direction(one, jacobian) for _ in range(2))
    np.testing.assert_array_equal(first, gram_cases.direction(other, jacobian))
    assert not np.array_equal(first, second) and not np.array_equal(first, gram_cases.direction(seeded, jacobian))
    blocks = prepared(2).direct(tf.ones(2), tf.ones(2, "bool"), [tf.constant(jacobian)] * 2).rows
    assert not np.array_equal(*blocks)


def test_the_order_of_the_tasks_does_not_matter_and_absent_ones_do_not_count(rng):
    jacobian, order = rng.normal(size=(4, 60)), [2, 0, 3, 1]
    wanted = gram_cases.direction(GradDrop(), jacobian)
    np.testing.assert_allclose(gram_cases.direction(GradDrop(), jacobian[order]), wanted, rtol=1e-12)
    five, present = np.insert(jacobian, 2, 1e9, axis=0), tf.constant([True, True, False, True, True])
    found = prepared(5).combine(tf.ones(5, "float64"), present, tf.constant(five))[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    for z in (None, np.ones((60, 1))):
        balancer, blocks = prepared(5), [five if z is None else five[:, :, None]]
        found = balancer.direct(tf.ones(5), present, [tf.constant(block) for block in blocks], z)
        assert found.factors.numpy()[2] == 0


def test_scaled_gradients_give_scaled_directions(rng):
    jacobian = rng.normal(size=(3, 40))
    for scale in (1e-12, 1e12):
        np.testing.assert_allclose(gram_cases.direction(GradDrop(), scale * jacobian), scale * gram_cases.direction(GradDrop(), jacobian))


def build(balancer, **arguments):
    model = mtlzoo.architectures.hard_sharing((6,), list(TASKS), trunk=trunks.mlp((8, 5), activation="tanh"), seed=0, **arguments)
    model.compile(keras.optimizers.SGD(1.0), balancer=balancer)
    return model


@pytest.mark.parametrize("at", ["parameters", "representation"])
def test_a_model_with_leak_1_trains_as_without_a_balancer(at, rng):
    plain, dropped = build(None), build(GradDrop(1.0, at=at))
    x, y = rng.normal(size=(24, 6)).astype("float32"), helpers.labels_for(TASKS, 24, rng)
    for model in (plain, dropped):
        history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    assert helpers.same_weights(plain, dropped, atol=2e-5) and "a_weight" not in history
    assert int(dropped.balancer.steps) == 6


def test_the_gradient_of_a_model_is_that_of_the_masked_sum_at_its_representation(rng):
    model = build(GradDrop(seed=3))
    x, y = rng.normal(size=(24, 6)).astype("float32"), helpers.labels_for(TASKS, 24, rng)
    encoder = keras.Model(model.input, model.representation)
    with tf.GradientTape(persistent=True) as tape:
        z = encoder(x)
        losses, _ = model.task_losses(*model.task_losses.pick(y, {t.name: model.get_layer(t.name)(z) for t in TASKS}, None))
        losses = tf.unstack(losses)
    rows = np.array([tape.gradient(loss, z).numpy() for loss in losses], "float64")
    mask = masks((rows * np.sign(z)).sum(axis=1), draws((5,), 3))
    upstream = np.einsum("t,tbu->bu", [1.0, 0.5, 1.0], rows * mask[:, None])
    sources = [v.value for v in encoder.trainable_variables]
    wanted = [g.numpy() for g in tape.gradient(z, sources, output_gradients=tf.constant(upstream, "float32"))]
    before = [source.numpy().copy() for source in sources]
    model.train_on_batch(x, y)
    for variable, value, gradient in zip(encoder.trainable_variables, before, wanted, strict=True):
        np.testing.assert_allclose(value - variable.numpy(), gradient, atol=1e-5)


def test_the_configuration_and_bad_arguments():
    for balancer in (GradDrop([0.0, 1.0], 3, at="parameters"), GradDrop(0.5)):
        gram_cases.check_round_trip(balancer)
    for arguments in ({"leak": 1.5}, {"leak": [0.0, -1.0]}, {"seed": -1}, {"at": "heads"}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}"):
            GradDrop(**arguments)
    with pytest.raises(ValueError, match="`leak` must have one number for each of 3 tasks"):
        aggregate(GradDrop([0.0, 0.5]), np.eye(3))
    with pytest.raises(TypeError, match="`leak`"):
        GradDrop("none")
    for argument in ("every", "freeze_after"):
        with pytest.raises(TypeError, match=argument):
            GradDrop(**{argument: 2})
