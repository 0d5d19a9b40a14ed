import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, growth, trunks

TASKS = [Task.binary("a", alpha=0.5), Task.regression("b"), Task.regression("c")]


def test_trains_the_same_variables_and_no_others(rng):
    model = mtlzoo.architectures.single_task((3,), TASKS, trunk=trunks.mlp((4,)), seed=0)
    part = growth.alone(model, "c", "a")
    assert list(part.output) == ["c", "a"] and dict(part.alphas) == {"c": 1.0, "a": 0.5}
    x = rng.normal(size=(16, 3))
    before = model.predict(x, verbose=0)
    part.fit(x, {"a": rng.integers(2, size=16), "c": rng.normal(size=16)}, verbose=0)
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["b"], after["b"])
    for name, output in part.predict(x, verbose=0).items():
        assert np.any(before[name] != after[name])
        np.testing.assert_array_equal(output, after[name])


def test_keeps_the_inputs_that_are_needed_and_the_representation():
    own = mtlzoo.architectures.hard_sharing({"a": (3,), "b": (3,), "c": (3,)}, TASKS, trunk=trunks.mlp((4,)))
    assert list(growth.alone(own, "b").input) == ["b_input"]
    shared = mtlzoo.architectures.hard_sharing((3,), TASKS, trunk=trunks.mlp((4,)))
    assert growth.alone(shared, "a", "b", balancer="mgda").representation is shared.representation


def test_bad_arguments_are_refused():
    model = mtlzoo.architectures.hard_sharing((3,), TASKS, trunk=trunks.mlp((4,)))
    with pytest.raises(ValueError, match="must be one of 'a', 'b', 'c'"):
        growth.alone(model, "d")
    with pytest.raises(ValueError, match="at least one of the tasks"):
        growth.alone(model)
