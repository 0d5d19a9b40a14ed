"""Tokens of numbers, places and steps."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import FeatureTokens


def test_numbers_have_a_direction_and_an_offset_each(rng):
    layer, x = FeatureTokens(4), rng.normal(size=(5, 3)).astype("float32")
    found = layer(x)
    np.testing.assert_allclose(found, x[:, :, None] * layer.kernel.numpy() + layer.bias.numpy(), rtol=1e-5, atol=1e-6)
    assert layer.kernel.shape == (3, 4) and layer.bias.shape == (3, 4)


@pytest.mark.parametrize("places", [(6,), (2, 3)])
def test_places_share_a_map_and_have_an_offset_each(places, rng):
    layer, x = FeatureTokens(4), rng.normal(size=(5, *places, 7)).astype("float32")
    found = layer(x)
    np.testing.assert_allclose(found, x.reshape(5, 6, 7) @ layer.kernel.numpy() + layer.bias.numpy(), rtol=1e-4, atol=1e-5)
    assert layer.kernel.shape == (7, 4) and layer.bias.shape == (6, 4)


def test_sequences_of_any_length_have_one_offset_and_keep_their_mask(rng):
    inputs = keras.Input((None, 7))
    layer = FeatureTokens(4)
    model = keras.Model(inputs, layer(inputs))
    assert layer.bias.shape == (1, 4) and model.output_shape == (None, None, 4)
    assert model.predict(rng.normal(size=(2, 9, 7)), verbose=0).shape == (2, 9, 4)
    mask = keras.ops.ones((2, 9), "bool")
    assert layer.compute_mask(keras.ops.ones((2, 9, 7)), mask) is mask
    assert layer.compute_mask(keras.ops.ones((2, 3, 3, 7)), None) is None


def test_a_seed_decides():
    def weights(seed):
        layer = FeatureTokens(4, seed=seed)
        layer.build((None, 3))
        return layer.get_weights()

    np.testing.assert_array_equal(weights(1)[0], weights(1)[0])
    assert not np.array_equal(weights(1)[0], weights(2)[0]) and not np.array_equal(*weights(1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeatureTokens(0), "`width`"),
        (lambda: FeatureTokens(4).build((None, None)), "with a known last size"),
        (lambda: FeatureTokens(4).build((None,)), r"must be \[batch, numbers\] or \[batch, ..., channels\]"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
