"""Copies that are drawn to each other by the squares of their differences; what all ties between copies have in common."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mtlzoo.layers import L2Distance, TraceNorm, stacked

NAMES = ("a", "b", "c")


def made(kind=L2Distance, **options):
    """A layer of two dense layers, a normalisation and something of another kind, and those."""
    singles = [layers.Dense(4, activation="relu"), layers.BatchNormalization(), layers.LayerNormalization(), layers.Dense(3)]
    inner = [stacked(single, NAMES) for single in singles]
    return kind(inner, **options), inner


def test_the_penalty_is_the_sum_over_pairs_of_all_trained_weights(rng):
    layer, inner = made(strength=0.5)
    x = rng.normal(size=(6, 3, 5)).astype("float32")
    layer(x)
    weights = [[rng.normal(size=weight.shape) for part in inner for weight in part.copy_weights(name)] for name in NAMES]
    for name, values in zip(NAMES, weights, strict=True):
        left = list(values)
        for part in inner:
            part.set_copy_weights(name, [left.pop(0) for _ in part.copy_weights(name)])
    trained = [place for place in range(len(weights[0])) if place not in (4, 5)]  # Without the statistics of the batch normalisation.
    wanted = sum(np.sum((one[place] - two[place]) ** 2) for one, two in itertools.combinations(weights, 2) for place in trained)
    y = layer(x)
    np.testing.assert_allclose(layer.losses, [0.5 * wanted], rtol=1e-5)
    for part in inner:
        x = part(x)
    np.testing.assert_array_equal(y, x)


def test_its_gradient_is_that_of_the_sum_over_pairs():
    layer, (dense, *_) = made(strength=0.5)
    layer.build((None, 1, 5))
    with tf.GradientTape() as tape:
        layer(np.ones((2, 1, 5), "float32"))
        loss = sum(layer.losses)
    kernels = dense.kernel.numpy()
    wanted = [sum(2 * 0.5 * (kernels[i] - kernels[j]) for j in range(3)) for i in range(3)]
    np.testing.assert_allclose(tape.gradient(loss, dense.kernel.value), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [L2Distance, TraceNorm])
def test_sharing_is_the_cosine_between_copies(kind):
    layer, (first, _, _, last) = made(kind)
    layer.build((None, 1, 5))
    for place, name in enumerate(NAMES):
        for inner in layer.layers:
            inner.set_copy_weights(name, [0 * weight for weight in inner.copy_weights(name)])
        first.set_copy_weights(name, [np.eye(5, 4) * (place == 0), np.zeros(4)])
        last.set_copy_weights(name, [np.eye(4, 3) * (place < 2), np.zeros(3)])
    cosine = 3 / np.sqrt(3 * 7)
    np.testing.assert_allclose(layer.sharing(), [[1, cosine, 0], [cosine, 1, 0], [0, 0, 0]], atol=1e-6)
    assert layer.sharing_labels == (NAMES, NAMES)


@pytest.mark.parametrize("kind", [L2Distance, TraceNorm])
def test_training_can_alternate_between_what_is_behind_and_the_penalty(kind, rng):
    layer, (dense, *_) = made(kind, strength=0.5, alternate=True)
    x = rng.normal(size=(6, 1, 5)).astype("float32")

    def gradients(training):
        with tf.GradientTape(persistent=True) as tape:
            behind = tf.reduce_sum(tf.sin(layer(x, training=training)))
            penalty = sum(layer.losses)
        found = [tape.gradient(loss, dense.kernel.value) for loss in (behind, penalty)]
        return [bool(np.any(gradient.numpy() != 0)) for gradient in found]

    layer.build(x.shape)
    assert [gradients(True) for _ in range(4)] == [[True, False], [False, True]] * 2
    assert gradients(True) == [True, False] and gradients(False) == [True, True] and float(layer.turn) == 1
    assert layer.turn.trainable is False and kind([stacked(layers.Dense(3), 2)]).weights == []


def test_no_strength_adds_no_loss_and_fixed_layers_have_nothing_to_draw():
    layer, _ = made(strength=0)
    layer(np.ones((2, 1, 5), "float32"))
    assert layer.losses == [] and layer.reports_loss
    layer, _ = made(strength=1.0)
    layer.trainable = False
    layer(np.ones((2, 1, 5), "float32"))
    assert [float(loss) for loss in layer.losses] == [0.0]


def test_masks_pass_through_to_the_layers_and_on(rng):
    x = keras.Input((4,), dtype="int32")
    embed, read = stacked(layers.Embedding(9, 5, mask_zero=True), ("a", "b")), stacked(layers.LSTM(3), ("a", "b"))
    tied = keras.Model(x, L2Distance([embed, read])(keras.ops.expand_dims(x, 1)))
    tokens = rng.integers(1, 9, (3, 4)).astype("int32")
    padded = np.concatenate([tokens, np.zeros((3, 2), "int32")], axis=1)
    longer = keras.Input((6,), dtype="int32")
    same = keras.Model(longer, tied.layers[-1](keras.ops.expand_dims(longer, 1)))
    np.testing.assert_allclose(same(padded), tied(tokens), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L2Distance([layers.Dense(3)]), TypeError, "`layers` must be stacked layers"),
        (lambda: L2Distance([stacked(layers.Dense(3), 2)], strength=-1), ValueError, "`strength`"),
        (lambda: L2Distance([stacked(layers.Dense(3), 2)], alternate=1), TypeError, "`alternate` must be True or False"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
