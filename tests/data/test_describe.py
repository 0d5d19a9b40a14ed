import json

import numpy as np
import pytest

from mtlzoo import Task
from mtlzoo.data import aligned, describe, mixed

TASKS = [Task.multiclass("a", 3), Task.regression("b"), Task.multilabel("c", 2), Task.binary("d")]
LABELS = {
    "a": [0, 1, 1, -1],
    "b": [1.0, 3.0, np.nan, np.nan],
    "c": [[0, 1], [1, 1], [np.nan, 1], [0, np.nan]],
    "d": [0, 0, 1, 1],
}


def make(**options):
    return aligned((np.arange(4, dtype="float32")[:, None], LABELS), TASKS, batch_size=3, **options)


def test_counts_shares_and_moments():
    found = describe(make(shuffle=False), TASKS, examples=2).to_dict()
    assert found["rows"] == 4
    assert found["tasks"]["a"] == {"kind": "multiclass", "labels": 3, "missing": 0.25, "classes": [1, 2, 0]}
    assert found["tasks"]["b"] == {"kind": "regression", "labels": 2, "missing": 0.5, "mean": 2.0, "std": 1.0, "min": 1.0, "max": 3.0}
    assert found["tasks"]["c"] == {"kind": "multilabel", "labels": 6, "missing": 0.25, "classes": [2, 4]}
    assert found["tasks"]["d"]["classes"] == [2, 2]
    assert found["examples"][0] == {"a": 0, "b": 1.0, "c": [0.0, 1.0], "d": 0.0}
    assert json.loads(json.dumps(found)) == found


def test_the_text_says_it_all():
    text = str(describe(make(shuffle=False), TASKS, examples=4))
    assert "4 examples; inputs x: float32 [1], 0 to 3" in text
    assert "a (multiclass): 3 labels, 25.0% missing; by class 0: 1, 1: 2, 2: 0" in text
    assert "b (regression): 2 labels, 50.0% missing; mean 2, std 1, 1 to 3" in text
    assert "example 3: a missing, b missing, c [0 missing], d 1" in text


def test_looking_does_not_use_up_an_epoch():
    looked, plain = make(), make()
    describe(looked, TASKS)
    for _ in range(2):
        assert [x.numpy().tolist() for x, _, _ in looked] == [x.numpy().tolist() for x, _, _ in plain]


def test_some_tasks_only_and_dict_inputs():
    data = {"a": ({"u": np.zeros(2), "v": np.ones((2, 3))}, [0, 1]), "d": ({"u": np.zeros(2), "v": np.ones((2, 3))}, [0, 1])}
    found = describe(mixed(data, [TASKS[0], TASKS[3]]), [TASKS[3]])
    assert list(found.tasks) == ["d"]
    assert list(found.inputs) == ["u", "v"]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="received 'aa'. Did you mean 'a'"):
        describe(make(), [Task.binary("aa")])
    with pytest.raises(TypeError, match="tf.data.Dataset"):
        describe(LABELS, TASKS)
    with pytest.raises(ValueError, match="must have elements"):
        describe(make().map(lambda x, y, w: x), TASKS)
