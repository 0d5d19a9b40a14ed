import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task
from mtlzoo.data import aligned, label_with

X = np.arange(6, dtype="float32")[:, None]
RULES = {
    "odd": lambda row: None if row[0] == 0 else row[0] % 2,
    "size": [lambda row: row[0] > 1, lambda row: row[0] > 3, lambda row: np.nan if row[0] > 4 else 1],
    "half": lambda row: row[0] / 2,
}
TASKS = [Task.binary("odd"), Task.binary("size"), Task.regression("half")]


@pytest.mark.parametrize("stream", [False, True], ids=["memory", "stream"])
def test_rules_label_and_abstain(stream):
    label = label_with(RULES)
    data = tf.data.Dataset.from_tensor_slices(X).apply(label) if stream else label(X)
    (_, y, weights), *_ = aligned(data, TASKS, shuffle=False)
    assert weights["odd"].numpy().tolist() == [0, 1, 1, 1, 1, 1]
    assert y["odd"].numpy().tolist() == [0, 1, 0, 1, 0, 1]
    assert y["half"].numpy().tolist() == [0, 0.5, 1, 1.5, 2, 2.5]


def test_the_commonest_answer_wins_and_a_tie_abstains():
    rules = {"t": [lambda row: 1, lambda row: row[0], lambda row: None]}
    np.testing.assert_array_equal(label_with(rules)(X[:2])[1]["t"], [np.nan, 1])
    np.testing.assert_array_equal(label_with(RULES)(X)[1]["size"], [0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("stream", [False, True], ids=["memory", "stream"])
def test_dict_inputs(stream):
    x = {"u": X[:, 0], "v": X}
    given = tf.data.Dataset.from_tensor_slices(x) if stream else x
    data = label_with({"odd": lambda row: (row["u"] + row["v"][0]) > 4})(given)
    (_, y, _), *_ = aligned(data, TASKS[:1], shuffle=False)
    assert y["odd"].numpy().tolist() == [0, 0, 0, 1, 1, 1]


def test_bad_rules_are_refused():
    with pytest.raises(ValueError, match="at least one rule"):
        label_with({})
    with pytest.raises(ValueError, match="at least one rule"):
        label_with({"a": []})
    with pytest.raises(TypeError, match="must be functions"):
        label_with({"a": 3})
    with pytest.raises(TypeError, match="one number"):
        label_with({"a": lambda row: "yes"})(X)
    with pytest.raises(TypeError, match="inputs alone"):
        label_with(RULES)(tf.data.Dataset.from_tensor_slices((X, X)))
