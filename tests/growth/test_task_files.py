import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, growth, trunks
from mtlzoo.growth import load_task, save_task

TASKS = [Task.multiclass("a", 3), Task.regression("b")]


def build(name="hard_sharing", tasks=TASKS, seed=0, **arguments):
    return getattr(mtlzoo.architectures, name)((5,), tasks, **{"trunk": trunks.mlp((4, 6)), "seed": seed, **arguments})


@pytest.mark.parametrize("name", ["hard_sharing", "mmoe", "cross_stitch", "conditioned", "single_task"])
def test_a_task_comes_back_and_the_others_stay(name, rng, tmp_path):
    model, x = build(name, tower=(3,)), rng.normal(size=(8, 5))
    saved = model.predict(x, verbose=0)
    path = save_task(model, "b", tmp_path / "b.npz")
    own = growth.task_files._weights(model, "b")[0]
    for _, value, variable, index in own:
        every = np.array(variable.numpy())
        every[slice(None) if index is None else index] = value + 1
        variable.assign(every)
    changed = model.predict(x, verbose=0)
    assert np.any(changed["b"] != saved["b"])
    np.testing.assert_array_equal(changed["a"], saved["a"])
    assert load_task(model, path) == "b"
    after = model.predict(x, verbose=0)
    for task in "ab":
        np.testing.assert_array_equal(after[task], saved[task])


def test_added_tasks_are_loaded_into_fresh_copies_on_demand(rng, tmp_path):
    model, x = build(), rng.normal(size=(16, 5))
    grown = growth.add_task(model, Task.binary("c"), how="adapters", seed=1)
    growth.alone(grown, "c").fit(x, {"c": rng.integers(2, size=16)}, epochs=3, verbose=0)
    path = save_task(grown, "c", tmp_path / "c.npz")
    with np.load(path) as stored:
        assert sum(stored[key].size for key in stored if key != "head") == grown.count_params() - model.count_params()
    fresh = growth.add_task(model, Task.binary("c"), how="adapters", seed=2)
    assert np.any(fresh.predict(x, verbose=0)["c"] != grown.predict(x, verbose=0)["c"])
    load_task(fresh, path)
    for task, output in grown.predict(x, verbose=0).items():
        np.testing.assert_array_equal(fresh.predict(x, verbose=0)[task], output)
    with pytest.raises(ValueError, match="holds the task 'c', and the model has the tasks"):
        load_task(model, path)


def refused(model, path, message):
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        load_task(model, path)
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_files_of_other_models_are_refused(rng, tmp_path):
    path = save_task(build(), "b", tmp_path / "b.npz")
    refused(build(tower=(3,)), path, "other names or shapes, such as")
    refused(build(seed=1), path, "the shared weights are not those that task 'b' was saved with")
    refused(build(trunk=trunks.mlp((4, 4, 6))), path, "shared weights")
    for content in (b"", b"nothing", path.read_bytes()[:200]):
        (tmp_path / "broken").write_bytes(content)
        refused(build(), tmp_path / "broken", "that mtlzoo.growth.save_task wrote")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    refused(build(), tmp_path / "other.npz", "cannot be read")
    refused(build(), tmp_path / "missing", "cannot be read")


def test_nothing_is_overwritten_unasked_and_bad_arguments_are_refused(tmp_path):
    model, path = build(), tmp_path / "b.npz"
    save_task(model, "b", path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="exists"):
        save_task(model, "b", path)
    assert path.read_bytes() == before and [found.name for found in tmp_path.iterdir()] == ["b.npz"]
    save_task(model, "b", path, overwrite=True)
    with pytest.raises(ValueError, match="`task` must be one of 'a', 'b'"):
        save_task(model, "bb", tmp_path / "x")
    with pytest.raises(TypeError, match="MultiTaskModel"):
        save_task(3, "b", tmp_path / "x")
