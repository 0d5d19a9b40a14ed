"""The perceptron."""

import keras

from mtlzoo import trunks


def test_widths_and_flattening():
    x = h = keras.Input((4, 4, 2))
    for stage in trunks.mlp((16, 8), batch_norm=True).copy():
        h = stage(h)
    assert h.shape == (None, 8)
    assert keras.Model(x, h).count_params() == (32 * 16 + 16) + 4 * 16 + (16 * 8 + 8) + 4 * 8
