"""Copies of any layer, one after the other."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.layers import ForAll, StackedLayers, stacked


def test_masks_reach_the_copies(rng):
    tokens = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [1, 2, 3, 4]])
    embed = StackedLayers([layers.Embedding(9, 3, mask_zero=True, name=name) for name in "ab"])
    read = StackedLayers([layers.LSTM(5, name=name) for name in "ab"])
    found = read(embed(ForAll(dtype="int32")(tokens)))
    for index, name in enumerate("ab"):
        alone = [layers.Embedding(9, 3, mask_zero=True), layers.LSTM(5)]
        alone[1](alone[0](tokens))
        for layer, source in zip(alone, (embed, read), strict=True):
            layer.set_weights(source.copy_weights(name))
        np.testing.assert_allclose(found[:, index], alone[1](alone[0](tokens)), atol=1e-5)


def test_models_of_several_inputs_are_copied(rng):
    inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((2,), name="right")}
    joined = keras.Model(inputs, layers.Dense(4)(layers.Concatenate()([inputs["left"], inputs["right"]])))
    both = stacked(joined, ("a", "b"))
    x = {"left": rng.normal(size=(5, 1, 3)), "right": rng.normal(size=(5, 2, 2))}
    y = both(x)
    assert y.shape == (5, 2, 4)
    apart = both.layers[1]({"left": x["left"][:, 0], "right": x["right"][:, 1]})
    np.testing.assert_allclose(y[:, 1], apart, atol=1e-5)


def test_frozen_copies_are_frozen_inside():
    layer = StackedLayers(layers.LayerNormalization(), 2)
    layer.build((None, 1, 3))
    layer.trainable = False
    assert not layer.trainable_variables and not layer.layers[0].trainable


def test_each_copy_regularizes_once():
    layer = StackedLayers(layers.PReLU(alpha_initializer="ones", alpha_regularizer="l2", activity_regularizer="l1"), 2)
    layer(np.ones((4, 2, 3), "float32"))
    assert float(sum(layer.losses)) == pytest.approx(2 * 3 * 0.01 + 2 * 3 * 0.01)
