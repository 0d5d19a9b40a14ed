"""N copies as one layer: every kind equals its copies run one by one, forward, backward and in what they start with."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, regularizers

from mtlzoo.layers import stacked

NAMES = ("left", "right", "middle")
PAIR = keras.Sequential([layers.Dense(4, activation="tanh"), layers.Dense(2)], name="pair")
# The layer, the shape that one copy reads, and the kind that it becomes.
CASES = {
    "dense": (layers.Dense(4, activation="relu"), (5,), "StackedDense"),
    "dense_softmax_no_bias": (layers.Dense(4, activation="softmax", use_bias=False), (5,), "StackedDense"),
    "dense_of_sequences": (layers.Dense(4, activation="softmax"), (6, 5), "StackedDense"),
    "conv1d_causal": (layers.Conv1D(3, 2, padding="causal", dilation_rate=2), (6, 2), "StackedConv1D"),
    "conv1d_strides": (layers.Conv1D(20, 3, strides=2, activation="relu"), (8, 2), "StackedConv1D"),
    "conv2d_narrow": (layers.Conv2D(3, 3, padding="same", activation="relu"), (5, 4, 2), "StackedConv2D"),
    "conv2d_wide": (layers.Conv2D(18, 3, strides=2), (5, 5, 1), "StackedConv2D"),
    "conv2d_no_bias": (layers.Conv2D(3, (2, 1), use_bias=False, activation="softmax"), (4, 4, 2), "StackedConv2D"),
    "batch_norm": (layers.BatchNormalization(momentum=0.5), (5,), "StackedBatchNormalization"),
    "batch_norm_of_images": (layers.BatchNormalization(scale=False), (4, 3, 2), "StackedBatchNormalization"),
    "batch_norm_first_axis": (layers.BatchNormalization(axis=1, center=False), (4, 3), "StackedBatchNormalization"),
    "flatten": (layers.Flatten(), (4, 3), "Folded"),
    "pool": (layers.MaxPooling2D(2), (4, 4, 3), "Folded"),
    "reshape": (layers.Reshape((2, -1)), (8,), "Folded"),
    "layer_norm": (layers.LayerNormalization(), (5,), "StackedLayerNormalization"),
    "layer_norm_plain": (layers.LayerNormalization(center=False, scale=False), (5,), "StackedLayerNormalization"),
    "layer_norm_of_images": (layers.LayerNormalization(center=False, epsilon=0.1), (4, 3, 2), "StackedLayerNormalization"),
    "layer_norm_two_axes": (layers.LayerNormalization(axis=(-2, -1)), (4, 3), "StackedLayers"),
    "model": (PAIR, (5,), "StackedLayers"),
    "lora": (layers.Dense(4, lora_rank=2), (5,), "StackedLayers"),
}


def copies_of(layer):
    """Copies that start different, as a user would write them."""
    made = []
    for index, name in enumerate(NAMES):
        keras.utils.set_random_seed(index)
        made.append(type(layer).from_config({**layer.get_config(), "name": name}))
    return made


def pair_of(case, entries):
    """One layer for all copies, and the copies, with the same weights, which no default leaves at zero or one."""
    template, shape, _ = CASES[case]
    together, apart = stacked(template, NAMES, name="together"), copies_of(template)
    together.build((None, entries, *shape))
    for index, (name, layer) in enumerate(zip(NAMES, apart, strict=True)):
        layer.build((None, *shape))
        draw = np.random.default_rng(index)
        layer.set_weights(
            [draw.uniform(0.2, 1, weight.shape) * draw.choice([1, -1 if i < 2 else 1]) for i, weight in enumerate(layer.weights)]
        )
        together.set_copy_weights(name, layer.get_weights())
    return together, apart


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("entries", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_copies_together_equal_copies_apart(case, entries, training, rng):
    together, apart = pair_of(case, entries)
    assert type(together).__name__ == CASES[case][2]
    x = tf.constant(rng.normal(size=(7, entries, *CASES[case][1])).astype("float32"))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        whole = together(x, training=training)
        ys = [layer(x[:, index % entries], training=training) for index, layer in enumerate(apart)]
        parts = tf.stack(ys, 1)
        losses = [tf.reduce_sum(tf.sin(y)) for y in (whole + tf.zeros_like(parts), parts)]
    np.testing.assert_allclose(whole + tf.zeros_like(parts), parts, atol=2e-5)
    np.testing.assert_allclose(tape.gradient(losses[0], x), tape.gradient(losses[1], x), atol=2e-4)
    mine = tape.gradient(losses[0], [v.value for v in together.trainable_variables], unconnected_gradients="zero")
    theirs = [tape.gradient(losses[1], [v.value for v in layer.trainable_variables]) for layer in apart]
    if CASES[case][2] == "StackedLayers":
        theirs = [gradient for one in theirs for gradient in one]
    else:
        theirs = [tf.stack(list(each)) for each in zip(*theirs, strict=True)]
    for gradient, wanted in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(gradient, wanted, atol=2e-4)
    for name, layer in zip(NAMES, apart, strict=True):
        for weight, wanted in zip(together.copy_weights(name), layer.get_weights(), strict=True):
            np.testing.assert_allclose(weight, wanted, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_copies_given_one_by_one_start_as_they_would_alone(case):
    template, shape, _ = CASES[case]
    together = stacked(copies_of(template), NAMES)
    together.build((None, 1, *shape))
    for name, layer in zip(NAMES, copies_of(template), strict=True):
        layer.build((None, *shape))
        for weight, wanted in zip(together.copy_weights(name), layer.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, wanted)


def test_copies_of_one_layer_start_different_even_with_a_fixed_seed():
    for initializer in ("glorot_uniform", keras.initializers.HeNormal(seed=7)):
        layer = stacked(layers.Dense(4, kernel_initializer=initializer), 3)
        layer.build((None, 1, 5))
        kernels = [layer.copy_weights(index)[0] for index in range(3)]
        assert not np.allclose(kernels[0], kernels[1]) and not np.allclose(kernels[1], kernels[2])
    assert layer.copies == ("copy0", "copy1", "copy2")


@pytest.mark.parametrize("case", ["dense", "conv2d_narrow", "batch_norm", "layer_norm", "model"])
def test_weights_that_a_layer_has_are_those_of_its_copies(case):
    template, shape, _ = CASES[case]
    template = copies_of(template)[0]
    template.build((None, *shape))
    template.set_weights([weight + 0.5 for weight in template.get_weights()])
    layer = stacked(template, NAMES)
    layer.build((None, 1, *shape))
    for name in NAMES:
        for weight, wanted in zip(layer.copy_weights(name), template.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, wanted)


def test_frozen_copies_use_stored_statistics_and_do_not_move(rng):
    layer = stacked(layers.BatchNormalization(trainable=False), 2)
    x = rng.normal(size=(8, 2, 3)).astype("float32")
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1.001), rtol=1e-5)
    assert not layer.trainable_variables and np.all(layer.copy_weights(0)[2] == 0)
    dense = stacked(layers.Dense(3, trainable=False), 2)
    dense.build((None, 2, 3))
    assert not dense.trainable and len(dense.non_trainable_variables) == 2


def test_regularizers_add_over_copies_and_constraints_hold_in_each():
    for regularizer in (regularizers.L2(0.1), regularizers.OrthogonalRegularizer(0.1)):
        options = {"kernel_regularizer": regularizer, "activity_regularizer": "l1", "kernel_constraint": keras.constraints.MaxNorm(0.5)}
        together, apart = stacked(layers.Dense(4, **options), 3), [layers.Dense(4, **options) for _ in range(3)]
        x = np.random.default_rng(0).normal(size=(6, 3, 5)).astype("float32")
        for index, layer in enumerate(apart):
            layer(x[:, index])
        together.build((None, 3, 5))
        for index, layer in enumerate(apart):
            together.set_copy_weights(index, layer.get_weights())
        together(x)
        np.testing.assert_allclose(sum(together.losses), sum(sum(layer.losses) for layer in apart), rtol=1e-5)
        held = together.kernel.constraint(together.kernel)
        for part, layer in zip(held, apart, strict=True):
            np.testing.assert_allclose(part, layer.kernel_constraint(layer.kernel), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: stacked(layers.Dense(3), 0), ValueError, "`copies` must be a whole number at least 1"),
        (lambda: stacked(layers.Dense(3), ("a", "a")), ValueError, "none twice"),
        (lambda: stacked(layers.Dense(3), "ab"), TypeError, "`copies` must be a number of copies or"),
        (lambda: stacked([layers.Dense(3), layers.Dense(4)]), ValueError, "nothing but names and seeds"),
        (lambda: stacked([layers.Dense(3)], ("a", "b")), ValueError, "must name each of the 1 layers"),
        (lambda: stacked([]), ValueError, "at least one; received none"),
        (lambda: stacked([3]), TypeError, "`layer` must be a keras.layers.Layer"),
        (lambda: stacked(layers.Dense(3), 2, slices="rows"), ValueError, "`slices` must be one of 'tasks'"),
        (lambda: stacked(layers.Dense(3), 2)(np.ones((4, 3, 5))), ValueError, r"must be \[batch, 2, ...\].*ForAll"),
        (lambda: stacked(layers.Dense(3), 2)(np.ones((4, 5))), ValueError, "ForAll"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_weights_of_a_copy_are_found_by_name_or_place_and_must_fit():
    layer = stacked(layers.Dense(3), NAMES)
    layer.build((None, 1, 2))
    np.testing.assert_array_equal(layer.copy_weights("middle")[0], layer.copy_weights(2)[0])
    with pytest.raises(ValueError, match="Did you mean 'right'"):
        layer.copy_weights("rihgt")
    with pytest.raises(ValueError, match="at most 2"):
        layer.copy_weights(3)
    with pytest.raises(ValueError, match=r"must have the shapes \[\(2, 3\), \(3,\)\]"):
        layer.set_copy_weights(0, [np.ones((2, 3)), np.ones(())])
