"""The penalty on later steps that are called more likely."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Calibrator


def test_adds_the_mean_excess_of_every_pair_and_hands_on_what_came(rng):
    first, second, third = (rng.normal(size=(50, 1)).astype("float32") for _ in range(3))
    inputs = [keras.Input((1,)) for _ in range(3)]
    layer = Calibrator(0.7)
    outputs = [layer([inputs[1], inputs[0]]), layer([inputs[2], inputs[1]])]
    model = keras.Model(inputs, outputs)
    found = model([first, second, third])
    np.testing.assert_array_equal(found[0], second)
    np.testing.assert_array_equal(found[1], third)
    a, b, c = (1 / (1 + np.exp(-z)) for z in (first, second, third))
    wanted = [0.7 * np.maximum(b - a, 0).mean(), 0.7 * np.maximum(c - b, 0).mean()]
    np.testing.assert_allclose(sorted(float(loss) for loss in model.losses), sorted(wanted), rtol=1e-5)


def test_pushes_a_pair_together_only_where_it_is_out_of_order():
    own, before = tf.constant([[1.0], [-1.0]]), tf.constant([[-1.0], [1.0]])
    layer = Calibrator(1.0)
    with tf.GradientTape() as tape:
        tape.watch([own, before])
        layer([own, before])
        (loss,) = layer.losses
    slope = 0.5 * 0.19661193  # σ'(1) over two rows
    gradients = tape.gradient(loss, [own, before])
    np.testing.assert_allclose(np.ravel(gradients), [slope, 0, -slope, 0], rtol=1e-5)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`penalty` must be a finite number above 0"):
        Calibrator(0.0)
    with pytest.raises(ValueError, match="must be a pair of logits of one shape"):
        Calibrator()([keras.ops.ones((2, 1))])
