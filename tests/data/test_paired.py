import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task
from mtlzoo.data import Scaling, paired, start_at

A, B = Task.multiclass("a", 100), Task.regression("b")
ARRAYS = {
    "a": (np.arange(10, dtype="float32")[:, None], np.arange(10)),
    "b": (np.arange(100, 104, dtype="float32")[:, None], np.arange(4.0)),
}
STREAMS = {name: tf.data.Dataset.from_tensor_slices(pair) for name, pair in ARRAYS.items()}
BOTH = pytest.mark.parametrize("data", [ARRAYS, STREAMS], ids=["memory", "stream"])


def own(mixture, name):
    return [[int(row) for row in x[f"{name}_input"][:, 0]] for x, _, _ in mixture]


@BOTH
def test_separate_inputs_hold_a_batch_of_every_task_in_every_step(data):
    mixture = paired(data, [A, B], batch_size=4, inputs="separate")
    assert int(mixture.cardinality()) == 3
    for x, y, weights in mixture:
        np.testing.assert_array_equal(x["a_input"][:, 0], y["a"])
        np.testing.assert_array_equal(x["b_input"][:, 0] - 100, y["b"])
        assert weights["a"].numpy().all() and weights["b"].numpy().all()
    assert [len(step) for step in own(mixture, "b")] == [4, 4, 2]


@BOTH
def test_an_epoch_is_the_longest_once_while_the_shorter_go_round(data):
    mixture = paired(data, [A, B], batch_size=4, inputs="separate")
    assert sorted(sum(own(mixture, "a"), [])) == list(range(10))
    short = sum(own(start_at(mixture, 0), "b"), [])
    assert sorted(short[:4]) == sorted(short[4:8]) == [100, 101, 102, 103]


@BOTH
def test_the_seed_repeats_all_epochs(data):
    first, again = (paired(data, [A, B], batch_size=4, inputs="separate", seed=2) for _ in range(2))
    epochs = [own(first, "a") for _ in range(3)]
    assert epochs[0] != epochs[1]
    assert [own(again, "a") for _ in range(3)] == epochs
    assert own(start_at(again, 1), "a") == epochs[1]


@BOTH
def test_shared_inputs_are_joined_task_after_task(data):
    steps = list(paired(data, [A, B], batch_size=4, shuffle=False))
    x, y, weights = steps[0]
    assert x[:, 0].numpy().tolist() == [0, 1, 2, 3, 100, 101, 102, 103]
    assert weights["a"].numpy().tolist() == [1] * 4 + [0] * 4
    assert weights["b"].numpy().tolist() == [0] * 4 + [1] * 4
    assert y["a"].numpy().tolist() == [0, 1, 2, 3, 0, 0, 0, 0]
    assert steps[2][0][:, 0].numpy().tolist() == [8, 9, 100, 101]
    assert [len(x) for x, _, _ in paired(data, [A, B], batch_size=4, drop_remainder=True)] == [8, 8]


@BOTH
def test_separate_inputs_may_be_unlike_and_are_scaled_one_by_one(data):
    wide = (np.ones((4, 3), "uint8") * 255, np.arange(4.0))
    data = {"a": data["a"], "b": wide if data is ARRAYS else tf.data.Dataset.from_tensor_slices(wide)}
    normalize = {"a": Scaling(1.0, 2.0), "b": "unit"}
    (x, _, _), *_ = paired(data, [A, B], batch_size=2, inputs="separate", shuffle=False, normalize=normalize)
    assert x["a_input"].numpy().tolist() == [[-0.5], [0.0]]
    assert x["b_input"].numpy().tolist() == [[1.0] * 3] * 2
    with pytest.raises(ValueError, match="one shape"):
        paired(data, [A, B])


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({"a": ARRAYS["a"]}, {}, "no data set labels 'b'"),
        ({**ARRAYS, "bb": ARRAYS["b"]}, {}, "received 'bb'. Did you mean 'b'"),
        ({**ARRAYS, "b": (ARRAYS["a"][0], {"a": np.arange(10)})}, {}, "'b' must hold labels of 'b' alone"),
        (ARRAYS, {"inputs": "seperate"}, "Did you mean 'separate'"),
        ({**ARRAYS, "b": ({"u": np.zeros(3)}, np.zeros(3))}, {"inputs": "separate"}, "one tensor a task"),
        (ARRAYS, {"inputs": "separate", "normalize": {"c": None}}, "normalize key"),
    ],
)
def test_bad_data_is_refused_at_once(data, options, message):
    with pytest.raises(ValueError, match=message):
        paired(data, [A, B], **options)
