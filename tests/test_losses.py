"""Losses around Keras losses, against values written out."""

import keras
import numpy as np
import pytest

from mtlzoo import losses

Y = np.array([0, 2, 1])
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]], "float32")


def test_sparse_labels_are_keras_one_hot_ones():
    for inner in (keras.losses.CategoricalCrossentropy(label_smoothing=0.2), keras.losses.CategoricalFocalCrossentropy(gamma=3.0)):
        wanted = float(inner(np.eye(3)[Y], P))
        np.testing.assert_allclose(float(losses.SparseLabels(inner, 3)(Y, P)), wanted, rtol=1e-6)
        np.testing.assert_allclose(float(losses.SparseLabels(inner, 3)(Y[:, None], P)), wanted, rtol=1e-6)


def test_class_weights_divide_by_the_number_of_labels():
    loss = losses.ClassWeighted("sparse_categorical_crossentropy", [1.0, 4.0, 0.0])
    np.testing.assert_allclose(float(loss(Y, P)), (-np.log(0.7) - 4 * np.log(0.4)) / 3, rtol=1e-6)
    there = np.array([1.0, 0.0, 1.0])
    np.testing.assert_allclose(float(loss(Y, P, there)), (-np.log(0.7) - 4 * np.log(0.4)) / 2, rtol=1e-6)


def test_class_weights_of_a_binary_task_take_columns():
    loss = losses.ClassWeighted(keras.losses.BinaryCrossentropy(), [1.0, 10.0])
    np.testing.assert_allclose(float(loss(np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]]))), np.log(2) * 11 / 2, rtol=1e-5)


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
def cubic(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


@pytest.mark.parametrize(
    "loss",
    [
        losses.SparseLabels(keras.losses.CategoricalCrossentropy(label_smoothing=0.3), 3),
        losses.ClassWeighted(losses.SparseLabels(keras.losses.CategoricalFocalCrossentropy(), 3), [1.0, 2.0, 3.0]),
    ],
)
def test_configuration_round_trip(loss):
    again = keras.saving.deserialize_keras_object(losses.serialize_loss(loss))
    assert float(again(Y, P)) == float(loss(Y, P))


def test_functions_become_losses_and_come_back():
    loss = losses.as_loss(cubic)
    again = keras.saving.deserialize_keras_object(losses.serialize_loss(loss))
    assert float(again(np.zeros((2, 1)), np.full((2, 1), 2.0))) == 8.0


@pytest.mark.parametrize(
    ("value", "error"), [("cross_entropy", ValueError), (3, TypeError), (keras.losses.MeanSquaredError(reduction="sum"), ValueError)]
)
def test_what_is_no_loss_is_refused(value, error):
    with pytest.raises(error, match="`loss` must"):
        losses.as_loss(value)


def test_standardized_is_the_loss_in_standard_deviations():
    y, p = np.array([[10.0], [50.0], [30.0]]), np.array([[20.0], [50.0], [0.0]])
    for inner in ("mean_squared_error", keras.losses.Huber()):
        found = losses.Standardized(inner, mean=30.0, std=20.0)
        wanted = float(losses.as_loss(inner)((y - 30) / 20, (p - 30) / 20))
        np.testing.assert_allclose(float(found(y, p)), wanted, rtol=1e-6)
        again = losses.Standardized.from_config(found.get_config())
        np.testing.assert_allclose(float(again(y, p)), wanted, rtol=1e-6)
    with pytest.raises(ValueError, match="`std`"):
        losses.Standardized("mean_squared_error", mean=0.0, std=0.0)


def test_affine_is_an_activation_that_keras_saves():
    affine = losses.Affine(scale=20.0, offset=30.0)
    layer = keras.layers.Dense(1, activation=affine)
    again = keras.layers.Dense.from_config(layer.get_config())
    assert again.activation == affine != losses.Affine(scale=20.0) and hash(again.activation) == hash(affine)
    with pytest.raises(ValueError, match="`scale` must not be 0"):
        losses.Affine(scale=0)
