"""Children that each choose one parent."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Branching


def made(parents=3, children=("a", "b"), **options):
    layer = Branching([f"p{index}" for index in range(parents)], children, **{"seed": 0, **options})
    layer.build((None, parents, 4))
    return layer


def weights(layer, training):
    """What the layer gives for unit vectors: the weights themselves."""
    count = len(layer.parents)
    return np.asarray(layer(np.eye(count, dtype="float32")[None], training=training))[0]


def test_inference_reads_the_likeliest_parent_alone(rng):
    layer = made()
    layer.logits.assign([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    x = rng.normal(size=(5, 3, 2, 2)).astype("float32")
    np.testing.assert_array_equal(layer(x), x[:, [1, 0]])
    assert layer.choices() == ("p1", "p0")
    np.testing.assert_allclose(layer.sharing().sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(layer.sharing()[1], np.exp([3, 2, 1]) / np.exp([3, 2, 1]).sum(), rtol=1e-5)


def test_draws_are_those_of_a_gumbel_softmax():
    layer = made(temperature=(1e-3, 1e-3), children=[f"c{index}" for index in range(500)])
    layer.logits.assign(np.tile(np.log([0.5, 0.3, 0.2]), (500, 1)))
    found = np.concatenate([weights(layer, True) for _ in range(20)])
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert np.mean(found.max(1) > 0.99) > 0.95
    # The choices of a cold Gumbel-softmax have the probabilities softmax(θ): 10,000 draws, three standard errors.
    np.testing.assert_allclose(found.mean(0), [0.5, 0.3, 0.2], atol=0.015)


def test_the_temperature_falls_from_the_first_to_the_last_value():
    layer, same = made(temperature=(8.0, 0.5), steps=4), made(temperature=(8.0, 8.0), steps=4)
    for step, wanted in enumerate([8.0, 4.0, 2.0, 1.0, 0.5, 0.5]):
        assert float(layer.step) == min(step, 4)
        found, hot = np.log(weights(layer, True)), np.log(weights(same, True))
        # With θ = 0 the logarithms are noise / τ, but for a constant a row.
        np.testing.assert_allclose((found - found[:, :1]) * wanted, (hot - hot[:, :1]) * 8.0, atol=1e-3)
    weights(layer, False)
    assert float(layer.step) == 4


def test_one_seed_gives_one_series_of_draws_and_each_call_another_draw():
    one, same, other = made(seed=1), made(seed=1), made(seed=2)
    first, second = weights(one, True), weights(one, True)
    np.testing.assert_array_equal(first, weights(same, True))
    assert not np.allclose(first, second) and not np.allclose(first, weights(other, True))


def test_a_frozen_layer_chooses_in_training_too_and_counts_no_steps():
    layer = made()
    layer.logits.assign([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    layer.trainable = False
    np.testing.assert_array_equal(weights(layer, True), [[0, 1, 0], [1, 0, 0]])
    assert float(layer.step) == 0


def test_gradients_reach_the_logits_through_the_draw(rng):
    layer, x = made(temperature=(1.0, 1.0)), rng.normal(size=(5, 3, 4)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(x, training=True)[:, 0]))
    gradient = tape.gradient(loss, layer.logits.value).numpy()
    assert np.all(gradient[0] != 0) and np.all(gradient[1] == 0)


def test_one_parent_or_parents_that_are_all_the_same_leave_nothing_to_choose(rng):
    x = rng.normal(size=(5, 1, 4)).astype("float32")
    for parents in (1, 3):
        layer = Branching([f"p{index}" for index in range(parents)], ("a", "b"))
        np.testing.assert_array_equal(layer(x, training=True), np.repeat(x, 2, 1))
        assert not layer.weights and layer.choices() == ("p0", "p0")
        np.testing.assert_allclose(layer.sharing(), np.full((2, parents), 1 / parents), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"temperature": (1.0, 0.0)}, ValueError, "`temperature` must be a finite number above 0"),
        ({"temperature": (1.0, 1e-9)}, ValueError, "`temperature` must be 1e-06 or more"),
        ({"temperature": (1.0,)}, ValueError, "`temperature` must be a pair"),
        ({"temperature": 1.0}, TypeError, "`temperature` must be a pair"),
        ({"steps": 0}, ValueError, "`steps` must be a whole number at least 1"),
        ({"children": ()}, ValueError, "`children` must be at least one name"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        made(**options)


def test_other_numbers_of_parents_are_refused():
    with pytest.raises(ValueError, match=r"must be \[batch, 3 or 1, ...\]; received the shape"):
        Branching(("x", "y", "z"), ("a",))(keras.Input((2, 4)))


def test_several_runs_of_a_step_count_once(rng):
    layer, x = made(temperature=(2.0, 1.0), steps=10), rng.normal(size=(5, 3, 4)).astype("float32")
    for index in range(3):
        layer(x, training=True, run=index)
    assert float(layer.step) == 1
