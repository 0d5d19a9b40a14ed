import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task
from mtlzoo.data import Scaling, aligned, start_at

TASKS = [Task.multiclass("a", 10), Task.regression("b", 2), Task.binary("c"), Task.multilabel("d", 3)]
X = np.arange(20, dtype="float32").reshape(10, 2)
LABELS = {
    "a": np.array([0, 1, 2, -1, 4, 5, 6, 7, 8, 9]),
    "b": np.stack([np.arange(10.0), np.full(10, np.nan)], axis=1).astype("float32"),
    "c": np.array([0, 1, np.nan, 1, 1, 1, 0, 0, 0, -1], "float32"),
    "d": np.array([[0, 1, np.nan]] * 9 + [[-1, -1, 1]], "float32"),
}
STREAM = tf.data.Dataset.from_tensor_slices((X, LABELS))
BOTH = pytest.mark.parametrize("data", [(X, LABELS), STREAM], ids=["memory", "stream"])


def order(mixture):
    return [batch[0][:, 0].numpy().tolist() for batch in mixture]


@BOTH
def test_the_elements_are_inputs_labels_and_weights_of_the_tasks(data):
    mixture = aligned(data, TASKS, batch_size=4)
    x, y, weights = mixture.element_spec
    assert x == tf.TensorSpec((None, 2), "float32")
    for task in TASKS:
        assert y[task.name] == tf.TensorSpec((None, *task.label_shape), task.label_dtype)
        assert weights[task.name] == tf.TensorSpec((None, *(task.label_shape if task.entrywise else ())), "float32")
    assert int(mixture.cardinality()) == 3


@BOTH
def test_missing_labels_have_weight_zero_and_are_filled(data):
    (_, y, weights), *rest = aligned(data, TASKS, batch_size=10, shuffle=False)
    assert not rest
    assert y["a"].numpy().tolist() == [0, 1, 2, 0, 4, 5, 6, 7, 8, 9]
    assert weights["a"].numpy().tolist() == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert y["b"].numpy().tolist() == [[float(row), 0.0] for row in range(10)]
    assert weights["b"].numpy().tolist() == [[1.0, 0.0]] * 10
    assert weights["c"].numpy().tolist() == [1, 1, 0, 1, 1, 1, 1, 1, 1, 0]
    assert weights["d"].numpy().tolist() == [[1, 1, 0]] * 9 + [[0, 0, 1]]


def test_a_regression_label_of_minus_one_is_a_label():
    (_, y, weights), *_ = aligned((X, {"r": np.full(10, -1)}), [Task.regression("r")], shuffle=False)
    assert y["r"].numpy().tolist() == [-1.0] * 10
    assert weights["r"].numpy().tolist() == [1.0] * 10


@BOTH
def test_every_epoch_has_every_row_once_in_a_new_order_that_the_seed_repeats(data):
    first = aligned(data, TASKS, batch_size=4, seed=3)
    epochs = [order(first) for _ in range(3)]
    assert all(sorted(sum(epoch, [])) == X[:, 0].tolist() for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    again = aligned(data, TASKS, batch_size=4, seed=3)
    assert [order(again) for _ in range(3)] == epochs
    assert order(aligned(data, TASKS, batch_size=4, seed=4)) != epochs[0]
    assert order(start_at(aligned(data, TASKS, batch_size=4, seed=3), 2)) == epochs[2]


@BOTH
def test_rows_come_in_order_without_shuffle_and_the_last_batch_may_be_dropped(data):
    assert order(aligned(data, TASKS, batch_size=4, shuffle=False)) == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18]]
    dropped = aligned(data, TASKS, batch_size=4, shuffle=False, drop_remainder=True)
    assert order(dropped) == [[0, 2, 4, 6], [8, 10, 12, 14]]
    assert dropped.element_spec[0].shape == (4, 2)


@BOTH
def test_inputs_are_normalised_a_batch(data):
    scaling = Scaling.measured(X)
    (x, _, _), *_ = aligned(data, TASKS, batch_size=10, shuffle=False, normalize=scaling)
    np.testing.assert_allclose(x.numpy().mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(x.numpy().std(axis=0), 1, atol=1e-6)


def test_a_cached_stream_is_decoded_once():
    seen = []
    spied = tf.data.Dataset.range(10).map(
        lambda row: (tf.ensure_shape(tf.numpy_function(lambda i: seen.append(i) or i, [row], tf.int64), ()), {"a": row})
    )
    mixture = aligned(spied, TASKS[:1], batch_size=4, cache=True)
    epochs = [[x.numpy().tolist() for x, _, _ in mixture] for _ in range(3)]
    assert len(seen) == 10
    assert epochs[0] != epochs[1]


def test_dict_inputs_are_kept():
    data = ({"u": X, "v": X[:, 0] + 1}, {"a": LABELS["a"]})
    (x, _, _), *_ = aligned(data, TASKS[:1], batch_size=10, shuffle=False, normalize={"v": Scaling(1.0, 2.0)})
    np.testing.assert_array_equal(x["u"], X)
    np.testing.assert_array_equal(x["v"], X[:, 0] / 2)


def test_a_stream_of_unknown_length_is_read_to_its_end():
    filtered = STREAM.filter(lambda x, y: x[0] > 4)
    assert sorted(sum(order(aligned(filtered, TASKS, batch_size=4)), [])) == [6, 8, 10, 12, 14, 16, 18]


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (X, {"aa": LABELS["a"]}, r"`data label` must be one of .* received 'aa'. Did you mean 'a'"),
        (X, {"a": LABELS["a"]}, "no data set labels 'b'"),
        (X, {**LABELS, "b": np.full((10, 2), np.nan)}, "no data set labels 'b'"),
        (X, {**LABELS, "a": np.full(10, 10)}, "task 'a' must be whole numbers from 0 to 9; received 10"),
        (X, {**LABELS, "a": np.full(10, -2)}, "task 'a' must be whole numbers from 0 to 9; received -2"),
        (X, {**LABELS, "a": np.full(10, 0.5)}, "task 'a' must be whole numbers from 0 to 9; received 0.5"),
        (X, {**LABELS, "c": np.full(10, 2)}, "task 'c' must be 0 or 1; received 2"),
        (X, {**LABELS, "b": np.full((10, 2), np.inf)}, "task 'b' must be finite numbers; received inf"),
        (X, {**LABELS, "b": np.zeros((10, 3))}, r"task 'b' must have the shape \(10, 2\)"),
        (X, {**LABELS, "a": LABELS["a"][:9]}, "task 'a' must be as many as the inputs, 10"),
        (X[:0], {}, "must not be empty"),
        (np.full((10, 2), np.nan), LABELS, "finite inputs; received NaN or infinite values in 10 rows"),
        ({"u": X, "v": X[:9]}, LABELS, "inputs of one length; received {'u': 10, 'v': 9}"),
    ],
)
def test_bad_data_is_refused_at_once(x, labels, message):
    with pytest.raises(ValueError, match=message):
        aligned((x, labels), TASKS)


def test_labels_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match="task 'a' must be numbers"):
        aligned((X, {"a": ["x"] * 10}), TASKS[:1])


def test_streams_are_checked_by_their_specs_at_once_and_by_their_values_in_the_graph():
    with pytest.raises(ValueError, match="Did you mean 'a'"):
        aligned(STREAM.map(lambda x, y: (x, {"aa": y["a"]})), TASKS)
    with pytest.raises(ValueError, match="no data set labels 'b'"):
        aligned(STREAM.map(lambda x, y: (x, {"a": y["a"]})), TASKS)
    with pytest.raises(ValueError, match="task 'a' must have the shape"):
        aligned(STREAM.map(lambda x, y: (x, {"a": y["d"]})), TASKS[:1])
    with pytest.raises(ValueError, match="unbatched"):
        aligned(STREAM.batch(2), TASKS)
    with pytest.raises(ValueError, match="must not be empty"):
        aligned(STREAM.take(0), TASKS)
    with pytest.raises(TypeError, match="elements"):
        aligned(tf.data.Dataset.range(3), TASKS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="task a must be whole numbers from 0 to 9"):
        list(aligned(STREAM.map(lambda x, y: (x, {"a": y["a"] + 1})), TASKS[:1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite inputs"):
        list(aligned(STREAM.map(lambda x, y: (x / 0, {"a": y["a"]})), TASKS[:1]))


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="`batch_size`"):
        aligned((X, LABELS), TASKS, batch_size=0)
    with pytest.raises(ValueError, match="`shuffle`"):
        aligned((X, LABELS), TASKS, shuffle=0)
    with pytest.raises(ValueError, match="`cache` is for tf.data"):
        aligned((X, LABELS), TASKS, cache=True)
    with pytest.raises(ValueError, match="leaves none"):
        aligned((X, LABELS), TASKS, batch_size=11, drop_remainder=True)
    with pytest.raises(ValueError, match="uint8"):
        aligned((X, LABELS), TASKS, normalize="unit")
    with pytest.raises(TypeError, match="a pair"):
        aligned(X, TASKS)
