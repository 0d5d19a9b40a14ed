"""Sums of all experts that teach a reader's own and the shared ones alone."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Mixture, OwnGradientMixture


@pytest.fixture(params=[(4,), (3, 3, 2)])
def parts(request, rng):
    """Gates of 3 readers over 2 own experts each and 2 shared ones, and their features."""
    shapes = [(5, 3, 8), (5, 6, *request.param), (5, 2, *request.param)]
    return [tf.constant(rng.normal(size=shape).astype("float32")) for shape in shapes]


def test_forward_it_is_the_mixture_of_all_experts(parts):
    gates, own, shared = parts
    wanted = Mixture()([gates, tf.concat([own, shared], 1)])
    np.testing.assert_allclose(OwnGradientMixture()(parts), wanted, atol=1e-5)


def test_backward_the_experts_of_other_readers_are_constants(parts):
    gates, own, shared = parts
    for reader in range(3):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(parts)
            ours = tf.reduce_sum(tf.sin(OwnGradientMixture()(parts)[:, reader]))
            plain = tf.reduce_sum(tf.sin(Mixture()([gates, tf.concat([own, shared], 1)])[:, reader]))
        ours, plain = (tape.gradient(value, parts) for value in (ours, plain))
        for place in (0, 2):
            np.testing.assert_allclose(ours[place], plain[place], rtol=1e-3, atol=1e-5)
        mine = slice(2 * reader, 2 * reader + 2)
        np.testing.assert_allclose(ours[1][:, mine], plain[1][:, mine], rtol=1e-3, atol=1e-5)
        others = np.delete(ours[1].numpy(), mine, axis=1)
        assert np.all(others == 0) and np.any(np.delete(plain[1].numpy(), mine, axis=1) != 0)


def test_other_numbers_of_experts_are_refused(rng):
    with pytest.raises(ValueError, match=r"received the shapes \(5, 2, 4\), \(5, 2, 6\) and \(5, 1, 6\)"):
        OwnGradientMixture()([rng.random((5, 2, 4)), rng.random((5, 2, 6)), rng.random((5, 1, 6))])
