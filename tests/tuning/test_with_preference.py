"""Data that say which preference a model is to serve."""

import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo.tuning import with_preference
from mtlzoo.tuning.with_preference import with_drawn_preferences
from tests.tuning import small


def test_batches_stay_and_get_one_more_input():
    data = small.data()
    mtlzoo.data.start_at(data, 0)
    plain = list(data)
    mtlzoo.data.start_at(data, 0)
    for (x, y, w), (told, labels, weights) in zip(plain, with_preference(data, [1, 4]), strict=True):
        assert sorted(told) == ["input", "preference"]
        np.testing.assert_array_equal(told["input"], x)
        np.testing.assert_allclose(told["preference"], np.tile([0.2, 0.8], (len(x), 1)))
        np.testing.assert_array_equal(labels["a"], y["a"])
        np.testing.assert_array_equal(weights["b"], w["b"])


def test_inputs_with_names_keep_them():
    data = tf.data.Dataset.from_tensor_slices({"numbers": [[1.0], [2.0]]}).batch(2)
    (found,) = with_preference(data, [0.5, 0.5])
    assert sorted(found) == ["numbers", "preference"] and found["preference"].shape == (2, 2)


def test_drawn_preferences_are_one_a_batch_even_on_the_simplex_and_follow_from_the_seed():
    data = tf.data.Dataset.from_tensors((tf.zeros((4, 1)), {})).repeat(2000)

    def drawn(seed, concentration=1.0):
        rows = np.array([x["preference"].numpy() for x, _ in with_drawn_preferences(data, 3, concentration, seed)])
        assert (rows == rows[:, :1]).all()
        return rows[:, 0]

    first = drawn(0)
    np.testing.assert_allclose(first.sum(axis=1), 1.0, rtol=1e-5)
    # Dirichlet(1, 1, 1): mean 1/3, variance 1/18; the variance of Dirichlet(c, c, c) is 2/(9·(3c + 1)).
    np.testing.assert_allclose(first.mean(axis=0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(first.var(axis=0), 1 / 18, rtol=0.1)
    np.testing.assert_allclose(drawn(0, 5.0).var(axis=0), 2 / (9 * 16), rtol=0.15)
    np.testing.assert_array_equal(first, drawn(0))
    assert (first != drawn(1)).any()


def test_drawn_preferences_change_with_the_epoch_and_leave_the_order_to_start_at():
    data = small.data()
    told = with_drawn_preferences(data, 2, 1.0, 0)
    assert told.cardinality() == data.cardinality()
    one, two = ([x["preference"][0].numpy().tolist() for x, *_ in told] for _ in range(2))
    assert len({tuple(row) for row in one + two}) == 6
    first, again = ([x["input"].numpy().tolist() for x, *_ in mtlzoo.data.start_at(told, 4)] for _ in range(2))
    assert first == again


def test_what_is_no_preference_is_refused():
    for wrong in ([0, 0], [-1, 2], [[0.5, 0.5]], [float("nan"), 1]):
        with pytest.raises(ValueError, match="`preference` must be a row of shares"):
            with_preference(small.data(), wrong)
    with pytest.raises(TypeError, match="`data`"):
        with_preference([1], [0.5, 0.5])
