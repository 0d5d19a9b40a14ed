import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, growth, trunks
from mtlzoo.growth import load_task, save_task
from mtlzoo.layers import StackedLayers

TASKS = [Task.multiclass("a", 3), Task.regression("b")]


def build(name="hard_sharing", tasks=TASKS, seed=0, **arguments):
    return getattr(mtlzoo.architectures, name)((5,), tasks, **{"trunk": trunks.mlp((4, 6)), "seed": seed, **arguments})


QUICK = ("hard_sharing", "mmoe", "cgc", "conditioned", "single_task")
PAIR = [Task.binary("seen"), Task.binary("bought")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in mtlzoo.architectures.names()]
)
def test_a_task_comes_back_and_the_others_stay(name, rng, tmp_path):
    options = {} if name == "joint_attention" else {"tower": (3,)}
    model = build(name, [*TASKS, *PAIR] if name in ("escm2", "esmm") else TASKS, **options)
    x = rng.normal(size=(8, 5))
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


@pytest.mark.parametrize(("name", "options"), [("cgc", {"own": 2}), ("ple", {"own": 3}), ("stem", {"own": 2})])
def test_a_task_with_several_experts_has_all_of_them_in_its_file(name, options, rng, tmp_path):
    tasks = [*TASKS, Task.binary("a_expert0")]
    model, x = build(name, tasks, **options), rng.normal(size=(8, 5))
    saved, path = model.predict(x, verbose=0), save_task(model, "a", tmp_path / "a.npz")
    if name != "stem":
        kernel = model.get_layer({"cgc": "own_experts_dense2_dense", "ple": "level2_own_experts"}[name]).kernel
        kernel.assign(np.concatenate([kernel.numpy()[: options["own"]] + 1, kernel.numpy()[options["own"] :]]))
        changed = model.predict(x, verbose=0)
        assert np.any(changed["a"] != saved["a"])
        for task in ("b", "a_expert0"):
            np.testing.assert_array_equal(changed[task], saved[task])
    assert load_task(model, path) == "a"
    for task, output in saved.items():
        np.testing.assert_array_equal(model.predict(x, verbose=0)[task], output)
    if name == "stem":  # All tasks read all experts, which are so no task's own.
        kernel = model.get_layer("own_experts_dense2_dense").kernel
        kernel.assign(kernel + 1)
        refused(model, path, "shared weights")


def test_slices_of_layers_that_run_one_after_the_other(rng, tmp_path):
    trunk = trunks.Trunk({"one": [keras.layers.Dense(4), keras.layers.GroupNormalization(2)]})
    model, x = build("attention_sharing", trunk=trunk), rng.normal(size=(8, 5))
    assert any(isinstance(layer, StackedLayers) and layer.slices == "tasks" for layer in model._flatten_layers())
    own = {"a": growth.task_files._weights(model, "a")[0], "b": growth.task_files._weights(model, "b")[0]}
    whole = {task: {id(found[2]) for found in own[task] if found[3] is None and not found[0].startswith(f"{task}[")} for task in own}
    assert len(whole["a"]) == len(whole["b"]) == 2 and not whole["a"] & whole["b"]
    path, saved = save_task(model, "a", tmp_path / "a.npz"), model.predict(x, verbose=0)
    for copy in next(layer for layer in model._flatten_layers() if isinstance(layer, StackedLayers) and layer.slices).layers[:1]:
        copy.gamma.assign(copy.gamma + 1)
    assert load_task(model, path) == "a"
    np.testing.assert_array_equal(model.predict(x, verbose=0)["a"], saved["a"])


def test_slices_of_models_that_gained_tasks_or_were_cut_out(rng, tmp_path):
    model, x = build("mmoe", [*TASKS, Task.binary("d")], tower=(3,)), rng.normal(size=(8, 5))
    path, whole = save_task(model, "b", tmp_path / "b.npz"), model.predict(x, verbose=0)["b"]
    part = growth.alone(model, "b", "d")
    kernel = model.get_layer("towers1").kernel
    kernel.assign(kernel + 1)
    assert load_task(part, path) == "b"
    np.testing.assert_allclose(part.predict(x, verbose=0)["b"], whole, atol=1e-6)
    grown = growth.add_task(model, Task.binary("c"), features="input", seed=0)
    outputs = grown.predict(x, verbose=0)
    for task in "abcd":
        load_task(grown, save_task(grown, task, tmp_path / "again.npz", overwrite=True))
    for task, output in outputs.items():
        np.testing.assert_array_equal(grown.predict(x, verbose=0)[task], output)


def test_slices_that_an_added_task_reads_are_shared(tmp_path):
    grown = growth.add_task(build("mmoe", tower=(3,)), Task.binary("c"), features="a", seed=0)
    with pytest.raises(ValueError, match="'a' has none: others read all that it reads"):
        save_task(grown, "a", tmp_path / "a.npz")
    path = save_task(grown, "c", tmp_path / "c.npz")
    assert load_task(grown, path) == "c"
    kernel = grown.get_layer("towers1").kernel
    kernel.assign(kernel + 1)
    refused(grown, path, "shared weights")


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
    refused(build(tower=(3,)), path, "other places or shapes, such as")
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


def test_files_of_another_kind_of_task_or_another_activation_are_refused(rng, tmp_path):
    path = save_task(build(), "b", tmp_path / "b.npz")
    refused(build(tasks=[TASKS[0], Task.binary("b")]), path, "'b' is .*'binary'.* in the model; the file has .*'regression'")
    refused(build(trunk=trunks.mlp((4, 6), activation="tanh")), path, "compute something else, such as another activation")
    refused(build(trunk=trunks.mlp((4, 6), dropout=0.5)), path, "compute something else")
    for name in ("mmoe", "single_task"):
        path = save_task(build(name), "b", tmp_path / f"{name}.npz")
        refused(build(name, trunk=trunks.mlp((4, 6), activation="tanh")), path, "same network|shared weights")
    assert load_task(build(), save_task(build(tasks=[TASKS[0], TASKS[1].replace(alpha=0.5)]), "b", tmp_path / "alpha.npz")) == "b"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in mtlzoo.architectures.names()]
)
def test_a_file_is_taken_by_the_model_as_it_was_loaded(name, tmp_path):
    model = build(name, [*TASKS, *PAIR] if name in ("escm2", "esmm") else TASKS)
    path = save_task(model, "b", tmp_path / "b.npz")
    model.save(tmp_path / "model.keras")
    assert load_task(keras.saving.load_model(tmp_path / "model.keras"), path) == "b"
    model.trainable = False
    assert load_task(model, path) == "b"
