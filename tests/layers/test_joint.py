"""Products of probabilities."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Joint


def slow(logits):
    """The logit of the product in long numbers: log p − log(1 − p)."""
    power = np.logaddexp(0, -np.asarray(logits, "longdouble")).sum(0)
    return -power - np.log(-np.expm1(-power))


@pytest.mark.parametrize("scale", [1, 5, 20])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_logits_are_exact_and_products_never_above_their_first_factors(scale, count, rng):
    logits = [(scale * rng.normal(size=(20_000, 1))).astype("float32") for _ in range(count)]
    found, wanted = Joint("linear")(logits).numpy(), slow(logits)
    assert np.max(np.abs(found - wanted) / (1 + np.abs(wanted))) < 1e-6
    probability = Joint()(logits).numpy()
    np.testing.assert_allclose(probability, np.exp(-np.logaddexp(0, -np.float64(logits)).sum(0)), rtol=1e-5, atol=1e-37)
    if count > 1:
        assert np.all(probability <= Joint()(logits[:-1]).numpy())


def test_one_factor_comes_out_as_it_is(rng):
    z = 50 * rng.normal(size=(1000, 1)).astype("float32")
    np.testing.assert_array_equal(Joint("linear")([z]), z)
    np.testing.assert_array_equal(Joint()([z]), keras.ops.sigmoid(z))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("logits", "label", "loss", "gradient"),
    [
        ([-200.0, -300.0], 1, 500, [-1, -1]),
        ([-200.0, 200.0], 1, 200, [-1, 0]),
        ([90.0, 90.0], 0, 90 - np.log(2), [0.5, 0.5]),
        ([200.0, 300.0], 0, 200, [1, 0]),
        ([200.0, 300.0], 1, 0, [0, 0]),
        ([-1e4, 1e4], 0, 0, [0, 0]),
        ([0.0, 0.0], 1, np.log(4), [-0.5, -0.5]),
        ([0.0, 0.0], 0, -np.log(0.75), [1 / 6, 1 / 6]),
    ],
)
def test_the_gradient_of_cross_entropy_lives_where_the_probability_is_0_or_1(logits, label, loss, gradient, compiled):
    inputs = [keras.Input((1,)) for _ in logits]
    model = keras.Model(inputs, Joint()(inputs))

    def gradients(*factors):
        with tf.GradientTape() as tape:
            tape.watch(factors)
            value = keras.losses.BinaryCrossentropy()(tf.constant([[label]], "float32"), model(list(factors)))
        return value, tape.gradient(value, factors)

    value, found = (tf.function(gradients) if compiled else gradients)(*(tf.constant([[z]]) for z in logits))
    np.testing.assert_allclose(value, loss, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.ravel(found), gradient, atol=1e-5)


def test_factors_must_fit():
    with pytest.raises(ValueError, match="must be a list of logits of one shape"):
        Joint()(keras.ops.ones((2, 1)))
    with pytest.raises(ValueError, match="must be a list of logits of one shape"):
        Joint()([keras.ops.ones((2, 1)), keras.ops.ones((2, 2))])
    with pytest.raises(ValueError, match="`activation` must be one of 'linear', 'sigmoid'"):
        Joint("tanh")
