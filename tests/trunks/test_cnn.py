"""The small CNN."""

import keras

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
