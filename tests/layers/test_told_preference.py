"""`ToldPreference`: the preference at every place, and the mean of the batch for the balancer."""

import numpy as np
import pytest

from mtlzoo.layers import ToldPreference

SHARES = np.array([[0.2, 0.8], [0.6, 0.4]], "float32")


def test_the_preference_stands_beside_the_channels_at_every_place(rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    joined = ToldPreference()({"picture": x, "preference": SHARES}).numpy()
    np.testing.assert_array_equal(joined[..., :5], x)
    np.testing.assert_array_equal(joined[..., 5:], np.broadcast_to(SHARES[:, None, None], (2, 3, 4, 2)))
    np.testing.assert_array_equal(ToldPreference()([x, SHARES]), joined)


def test_told_is_the_mean_of_the_last_batch_that_was_trained_on(rng):
    layer, x = ToldPreference(), rng.normal(size=(2, 3)).astype("float32")
    layer([x, SHARES])
    np.testing.assert_array_equal(layer.told, [0.5, 0.5])
    layer([x, SHARES], training=True)
    np.testing.assert_allclose(layer.told, [0.4, 0.6])
    layer([x, SHARES[:1]], training=False)
    np.testing.assert_allclose(layer.told, [0.4, 0.6])
    assert layer.trainable_variables == []


def test_among_several_inputs_it_joins_one_or_becomes_it(rng):
    numbers, ids = rng.normal(size=(2, 3)).astype("float32"), np.array([[1], [2]], "int32")
    both = ToldPreference("numbers")({"numbers": numbers, "categories": ids, "preference": SHARES})
    np.testing.assert_array_equal(both["numbers"], np.concatenate([numbers, SHARES], axis=1))
    np.testing.assert_array_equal(both["categories"], ids)
    assert set(both) == {"numbers", "categories"}
    alone = ToldPreference("numbers")({"categories": ids, "preference": SHARES})
    np.testing.assert_array_equal(alone["numbers"], SHARES)


def test_inputs_without_a_preference_or_a_place_for_it_are_refused(rng):
    x = rng.normal(size=(2, 3)).astype("float32")
    with pytest.raises(ValueError, match=r"'preference' and one other input.*received \['x', 'y'\]"):
        ToldPreference()({"x": x, "y": x})
    with pytest.raises(ValueError, match="or several and `joins` be given"):
        ToldPreference()({"x": x, "y": x, "preference": SHARES})
