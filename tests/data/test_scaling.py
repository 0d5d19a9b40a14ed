import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.data import Scaling
from mtlzoo.data.scaling import scaler


def test_measured_over_all_axes_but_the_last():
    images = np.random.default_rng(0).integers(256, size=(50, 4, 4, 3), dtype="uint8")
    scaling = Scaling.measured(images)
    np.testing.assert_allclose(scaling.mean, images.reshape(-1, 3).mean(axis=0))
    scaled = scaling(images).numpy()
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.reshape(-1, 3).std(axis=0), 1, atol=1e-5)


def test_a_constant_column_is_not_divided_by_zero():
    assert Scaling.measured(np.array([[1.0, 2.0], [1.0, 4.0]])).std == (1.0, 1.0)


def test_numbers_alone_are_measured_over_all():
    assert Scaling.measured(np.array([1.0, 3.0])) == Scaling(2.0, 1.0)


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(ValueError, match="`std`"):
        Scaling(0.0, 0.0)
    with pytest.raises(ValueError, match="as long as"):
        Scaling((0.0, 1.0), (1.0,))
    spec = tf.TensorSpec((3,), "float32")
    with pytest.raises(ValueError, match=r"Scaling.measured\(x_train\)"):
        scaler("standard", spec)
    with pytest.raises(ValueError, match="uint8"):
        scaler("unit", spec)
    with pytest.raises(ValueError, match="Did you mean 'unit'"):
        scaler("units", spec)
    with pytest.raises(ValueError, match="has 2 means"):
        scaler(Scaling((0, 1), (1, 1)), spec)
    with pytest.raises(TypeError, match="`normalize`"):
        scaler(3, spec)
