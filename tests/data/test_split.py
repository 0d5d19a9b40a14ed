import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.data import split

X, Y = np.arange(100), np.arange(100) * 2


def test_the_parts_are_disjoint_complete_and_keep_inputs_and_labels_together():
    parts = split((X, {"a": Y, "b": Y + 1}))
    assert list(parts) == ["train", "validation", "test"]
    assert [len(x) for x, _ in parts.values()] == [80, 10, 10]
    assert sorted(np.concatenate([x for x, _ in parts.values()])) == X.tolist()
    for x, y in parts.values():
        np.testing.assert_array_equal(y["a"], 2 * x)
        np.testing.assert_array_equal(y["b"], 2 * x + 1)


def test_the_seed_decides():
    first, again, other = (split((X, Y), seed=seed)["test"][0].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_fractions_may_differ_from_task_to_task_and_leave_rows_out():
    data = {"a": (X, Y), "b": [(X[:50], Y[:50]), (X[50:], Y[50:])]}
    parts = split(data, {"a": {"train": 0.5, "test": 0.2}, "b": {"train": 1.0}})
    assert len(parts["train"]["a"][0]) == 50 and len(parts["test"]["a"][0]) == 20
    assert [len(x) for x, _ in parts["train"]["b"]] == [50, 50]
    assert list(parts["test"]) == ["a"]


def test_a_data_set_is_split_alike_whatever_stands_beside_it():
    alone, beside = split({"a": (X, Y)}), split({"b": (X, Y), "a": (X, Y)})
    np.testing.assert_array_equal(alone["test"]["a"][0], beside["test"]["a"][0])
    assert not np.array_equal(beside["test"]["a"][0], beside["test"]["b"][0])


def test_inputs_alone():
    assert len(split(X, {"train": 0.7})["train"]) == 70


@pytest.mark.parametrize(
    ("data", "fractions", "message"),
    [
        ((X, Y), {"train": 0.8, "test": 0.3}, "sum of at most 1"),
        ((X, Y), {"train": 0.8, "test": -0.1}, "fractions"),
        ((X, Y), {}, "sum"),
        ((X[:3], Y[:3]), {"train": 0.9, "test": 0.1}, "no row for 'test'"),
        ((X, Y[:99]), {"train": 1.0}, "labels for its 100 rows"),
        ({"a": (X, Y)}, {"aa": {"train": 1.0}}, "Did you mean 'a'"),
    ],
)
def test_bad_arguments_are_refused(data, fractions, message):
    with pytest.raises(ValueError, match=message):
        split(data, fractions)


def test_a_stream_is_split_where_it_is_read():
    with pytest.raises(TypeError, match=r"train\[:80%\]"):
        split(tf.data.Dataset.range(3))
