"""Layers without weights, once for all copies."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.layers import Folded, StackedDense, StackedLayers


def test_random_layers_draw_for_each_copy_what_all_of_them_read():
    dropout = Folded(layers.Dropout(0.5, seed=1), 3)
    x = np.ones((4, 1, 50), "float32")
    drawn = np.asarray(dropout(x, training=True))
    assert drawn.shape == (4, 3, 50) == dropout.compute_output_shape((4, 1, 50))
    assert not np.array_equal(drawn[:, 0], drawn[:, 1]) and not np.array_equal(drawn[:, 1], drawn[:, 2])
    np.testing.assert_array_equal(dropout(x, training=False), np.ones((4, 3, 50)))


def test_what_all_copies_read_is_computed_once():
    pool = Folded(layers.MaxPooling2D(2), 3)
    assert pool(np.ones((4, 1, 6, 6, 2))).shape == (4, 1, 3, 3, 2)


def test_layers_with_weights_are_refused():
    with pytest.raises(ValueError, match="must have no weights, which all copies would share"):
        Folded(layers.Dense(3), 2)(np.ones((4, 2, 5)))


def test_masks_go_with_the_features(rng):
    x = rng.normal(size=(4, 2, 5, 3)).astype("float32")
    mask = rng.integers(0, 2, (4, 2, 5)).astype(bool)
    mask[:, :, 0] = True
    found = Folded(layers.GlobalAveragePooling1D(), 2)(x, mask=keras.ops.convert_to_tensor(mask))
    np.testing.assert_allclose(found, (x * mask[..., None]).sum(2) / mask.sum(2, keepdims=True), rtol=1e-5)
    for_all = Folded(layers.GlobalAveragePooling1D(), 2)(x, mask=keras.ops.convert_to_tensor(mask[:, :1]))
    np.testing.assert_allclose(for_all[:, 1], (x[:, 1] * mask[:, 0, :, None]).sum(1) / mask[:, 0].sum(1, keepdims=True), rtol=1e-5)


def test_sequences_of_any_length_fold():
    x = keras.Input((2, None, 3))
    model = keras.Model(x, Folded(layers.ZeroPadding1D(1), 2)(x))
    assert model.predict(np.ones((4, 2, 5, 3)), verbose=0).shape == (4, 2, 7, 3)


def test_freezing_reaches_every_copy_and_comes_back():
    for layer in (Folded(layers.Dropout(0.5), 3), StackedLayers(layers.Dense(2), 3), StackedDense(layers.Dense(2), 3)):
        layer.trainable = False
        config = keras.saving.serialize_keras_object(layer)
        assert [copy["config"]["trainable"] for copy in config["config"]["layer"]] == [False] * 3
        again = keras.saving.deserialize_keras_object(config)
        assert not again.trainable
        again.build((None, 3, 4))
        assert not again.trainable_variables
        again.trainable = True
        assert len(again.trainable_variables) == len(again.weights)
        assert [copy.trainable for copy in again._copies.layers] == [True] * 3
    # A copy that was frozen by itself is told by its file.
    mixed = StackedLayers(layers.Dense(2), 2)
    mixed.layers[1].trainable = False
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mixed))
    assert [copy.trainable for copy in again.layers] == [True, False]
    with pytest.raises(ValueError, match="`trainable` must be said"):
        StackedDense([layers.Dense(2, trainable=False), layers.Dense(2)], ["a", "b"])
