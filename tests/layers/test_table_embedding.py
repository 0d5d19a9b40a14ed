"""One table and one look-up for all columns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import ForAll, TableEmbedding, stacked

IDS = np.array([[0, 4], [2, 1], [1, 3]], "int32")


def test_each_column_reads_its_own_part_of_the_table():
    layer = TableEmbedding((3, 5), width=2)
    layer.build((None, 2))
    table = np.arange(16, dtype="float32").reshape(8, 2)
    layer.set_weights([table])
    wanted = np.concatenate([table[IDS[:, 0]], table[3 + IDS[:, 1]]], axis=1)
    np.testing.assert_array_equal(layer(IDS), wanted)
    numbers = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(layer({"categories": IDS, "numbers": numbers}), np.concatenate([wanted, numbers], axis=1))


def test_there_is_one_look_up_a_width():
    for width, count in ((4, 1), ((4, 2, 4), 2)):
        layer = TableEmbedding((3, 5, 7), width)
        graph = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 3), "int32")).graph
        tables = [op for op in graph.get_operations() if op.type in ("GatherV2", "ResourceGather") and op.outputs[0].dtype == tf.float32]
        assert len(tables) == count == len(layer.weights)


def test_widths_may_differ_and_come_by_rising_width():
    layer = TableEmbedding((3, 5, 2), (4, 2, 4))
    found = layer(np.array([[1, 2, 1]], "int32"))
    narrow, wide = layer.get_weights()
    np.testing.assert_array_equal(found[0], [*narrow[2], *wide[1], *wide[3 + 1]])
    assert layer.count_params() == 5 * 2 + (3 + 2) * 4


def test_an_id_that_a_column_does_not_have_is_the_unknown_one():
    layer = TableEmbedding((3, 5), width=2)
    np.testing.assert_array_equal(layer(np.array([[3, -1]], "int32")), layer(np.array([[0, 0]], "int32")))


def test_a_table_may_hold_numbers_alone():
    layer = TableEmbedding(())
    np.testing.assert_array_equal(layer({"numbers": np.full((2, 3), 7.0, "float32")}), np.full((2, 3), 7.0))
    assert not layer.weights


def test_ids_keep_their_value_under_mixed_precision():
    layer = TableEmbedding((5000,), width=3, dtype="mixed_float16")
    found = layer(np.array([[4097.0]], "float32"))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found[0], layer.get_weights()[0][4097], rtol=1e-3, atol=1e-6)
    with pytest.raises(ValueError, match="whole numbers for categories of up to 5000 ids; received float16"):
        layer(np.array([[4097.0]], "float16"))


def test_copies_start_unlike_and_compute_as_they_do_alone():
    copies = stacked(TableEmbedding((3, 5), (2, 3), embeddings_initializer=keras.initializers.RandomNormal(seed=1)), ("a", "b"))
    x = {"categories": IDS, "numbers": np.ones((3, 4), "float32")}
    found = copies(ForAll()(x))
    assert found.shape == (3, 2, 9) == copies.compute_output_shape({"categories": (3, 1, 2), "numbers": (3, 1, 4)})
    assert not np.allclose(found[:, 0], found[:, 1])
    alone = TableEmbedding((3, 5), (2, 3))
    alone(x)
    alone.set_weights(copies.copy_weights("b"))
    np.testing.assert_array_equal(found[:, 1], alone(x))


def test_a_regularizer_adds_its_loss():
    layer = TableEmbedding((3, 5), width=2, embeddings_regularizer="l2")
    layer(IDS)
    np.testing.assert_allclose(layer.losses[0], 0.01 * np.sum(layer.get_weights()[0] ** 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        (((3, 5), (2,)), None, "`width` must be one number, or one for each of the 2 columns"),
        (((3, 0), 2), None, "`sizes` must be a whole number at least 1"),
        (((3, 5), 2), (None, 3), "the 2 columns of `sizes`"),
        (((3, 5), 2), {"categories": (None, 2), "number": (None, 2)}, "Did you mean 'numbers'"),
        (((3, 5), 2), {"numbers": (None, 2)}, "the 2 columns of `sizes`"),
    ],
)
def test_bad_arguments_and_shapes_are_refused(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        TableEmbedding(*arguments).build(shape)
