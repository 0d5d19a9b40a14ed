"""The small CNN."""

import keras
import numpy as np

from mtlzoo import trunks


def test_is_the_usual_small_cnn():
    x = h = keras.Input((28, 28, 1))
    for stage in trunks.cnn(padding="valid", dense=(64,)).copy():
        h = stage(h)
    model = keras.Model(x, h)
    assert h.shape == (None, 64)
    assert model.count_params() == 320 + 18_496 + (5 * 5 * 64 * 64 + 64)
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    assert kinds == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense"]


def test_options_appear_in_the_layers():
    stages = trunks.cnn(filters=(8,), pool=1, batch_norm=True, dropout=0.3, dense=(4,)).copy()
    kinds = [[type(layer).__name__ for layer in stage.layers] for stage in stages]
    assert kinds == [["Conv2D", "BatchNormalization", "Activation", "Flatten", "Dropout"], ["Dense", "Dropout"]]


def test_stored_variances_are_those_of_the_features_after_few_steps(rng):
    stage = trunks.cnn(filters=(4,), pool=1, batch_norm=True).copy(seed=0)[0]
    x = 0.01 * rng.normal(size=(16, 4, 4, 1)).astype("float32")
    for _ in range(100):
        stage.layers[1](stage.layers[0](x), training=True)
    np.testing.assert_allclose(stage.layers[1].moving_variance, np.var(stage.layers[0](x), (0, 1, 2)), rtol=0.05, atol=5e-5)
