"""PackNet: weights that one task can do without serve the next."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.growth import KeepZeros, add_task, alone, load_task, prune, save_task
from mtlzoo.layers import Packed
from tests import helpers

TASKS = [Task.multiclass("a", 3), Task.regression("b", alpha=0.5)]


def build(images=False, **arguments):
    trunk = trunks.cnn((3, 4), dense=(5,), batch_norm=True) if images else trunks.mlp((8, 6))
    inputs = (6, 6, 1) if images else (5,)
    return mtlzoo.architectures.hard_sharing(inputs, TASKS, **{"trunk": trunk, "seed": 0, **arguments})


def same(one, other, x, names="ab"):
    for name in names:
        np.testing.assert_array_equal(one.predict(x, verbose=0)[name], other.predict(x, verbose=0)[name])


def test_the_smallest_weights_go_and_stay_away(rng):
    model = build(tower=(4,))
    kernels = {layer.name: layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")}
    pruned = prune(model, 0.3)
    x = rng.normal(size=(64, 5))
    for name in ("dense1_dense", "dense2_dense"):
        found, limit = pruned.get_layer(name).kernel.numpy(), np.quantile(np.abs(kernels[name]), 0.3)
        np.testing.assert_array_equal(found, np.where(np.abs(kernels[name]) > limit, kernels[name], 0))
    for name in ("a", "b", "a_tower1", "b_tower1"):
        np.testing.assert_array_equal(pruned.get_layer(name).kernel, kernels[name])
    before = pruned.get_layer("dense1_dense").kernel.numpy()
    pruned.fit(x, helpers.labels_for(TASKS, 64, rng), epochs=3, verbose=0, callbacks=[KeepZeros()])
    after = pruned.get_layer("dense1_dense").kernel.numpy()
    np.testing.assert_array_equal(after == 0, before == 0)
    assert np.all(after[before != 0] != before[before != 0])


@pytest.mark.parametrize("images", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tasks_are_packed_one_after_the_other_and_old_outputs_stay_bit_by_bit(images, rng, tmp_path):
    model = build(images)
    x = rng.normal(size=(64, *model.input.shape[1:])).astype("float32")
    model.fit(x, helpers.labels_for(TASKS, 64, rng), epochs=2, verbose=0)
    first = prune(model, 0.6)
    grown = add_task(first, Task.binary("c"), how="packnet", seed=1)
    labels = (x.reshape(64, -1)[:, 0] > 0).astype("float32")
    part = alone(grown, "c", optimizer=keras.optimizers.AdamW(0.02, weight_decay=0.1))
    losses = part.fit(x, {"c": labels}, epochs=15, verbose=0).history["c_loss"]
    assert losses[-1] < losses[0]
    packed = [layer for layer in grown.layers if isinstance(layer, Packed)]
    assert packed and all(np.any(layer.values[0].numpy() != 0) for layer in packed)
    same(first, grown, x)

    second = prune(grown, 0.5)
    same(first, second, x)
    third = add_task(second, Task.regression("d"), how="packnet", seed=2)
    alone(third, "d").fit(x, {"d": labels}, epochs=5, verbose=0)
    same(second, third, x, "abc")
    for layer in (layer for layer in third.layers if isinstance(layer, Packed)):
        used = [set(np.flatnonzero(layer.layer.kernel.numpy().reshape(-1)))]
        used += [set(places.numpy()[values.numpy() != 0].tolist()) for values, places in zip(layer.values, layer.places, strict=True)]
        assert all(used) and len(set().union(*used)) == sum(map(len, used)), "no weight serves two groups"

    third.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    same(third, loaded, x, "abcd")
    assert [v.path for v in loaded.trainable_variables] == [v.path for v in third.trainable_variables]


@pytest.mark.parametrize(
    ("name", "pruned"),
    [
        ("chained", ["dense1_dense", "dense2_dense"]),
        ("esmm", ["dense1_dense", "dense2_dense"]),
        ("escm2", ["dense1_dense", "dense2_dense"]),
        ("aitm", ["dense1_dense", "dense2_dense"]),
        ("mmoe", ["experts_dense1_dense", "experts_dense2_dense"]),
        ("cgc", ["shared_experts_dense1_dense", "shared_experts_dense2_dense"]),
        ("single_task", [f"{task}_dense{index}_dense" for task in "ab" for index in (1, 2)]),
    ],
)
def test_heads_and_towers_are_spared_however_they_are_called(name, pruned, rng):
    pair = [Task.binary("a"), Task.binary("b")]
    model = mtlzoo.architectures.get(name)((5,), pair, trunk=trunks.mlp((8, 6)), tower=(4,), seed=0)
    found = prune(model, 0.5)
    pairs = zip(found.weights, model.weights, strict=True)
    changed = {after.path.split("/")[0] for after, before in pairs if np.any(after.numpy() != before.numpy())}
    assert sorted(changed) == pruned
    x = rng.normal(size=(32, 5))
    found.fit(x, {task: rng.integers(2, size=32) for task in "ab"}, verbose=0, callbacks=[KeepZeros()])
    assert all(np.mean(found.get_layer(layer).kernel.numpy() == 0) >= 0.5 for layer in pruned)


def test_layers_that_an_added_task_packs_are_pruned_on(rng):
    grown = add_task(prune(build(tower=(4,)), 0.6), Task.binary("c"), how="packnet", tower=(3,), seed=1)
    alone(grown, "c").fit(rng.normal(size=(32, 5)), {"c": rng.integers(2, size=32)}, epochs=3, verbose=0)
    again = prune(grown, 0.5)
    before, after = ([layer.values[0].numpy() for layer in one.layers if isinstance(layer, Packed)] for one in (grown, again))
    assert len(after) == 2 and all(np.mean(new == 0) >= 0.5 > np.mean(old == 0) for old, new in zip(before, after, strict=True))
    for layer in ("a", "b", "c", "a_tower1", "b_tower1", "c_tower1"):
        np.testing.assert_array_equal(again.get_layer(layer).kernel, grown.get_layer(layer).kernel)


def test_a_packed_task_has_a_file_of_its_own(rng, tmp_path):
    x = rng.normal(size=(64, 5))
    base = prune(build())
    grown = add_task(base, Task.binary("c"), how="packnet", seed=1)
    alone(grown, "c").fit(x, {"c": rng.integers(2, size=64)}, epochs=3, verbose=0)
    path = save_task(grown, "c", tmp_path / "c.npz")
    with np.load(path) as stored:
        assert sum(stored[key].size for key in stored if key != "head") == 2 * (20 + 24) + 6 + 1
    fresh = add_task(base, Task.binary("c"), how="packnet", seed=2)
    fresh.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one in (fresh, loaded):
        assert load_task(one, path) == "c"
        same(grown, one, x, "abc")
    kernel = base.get_layer("dense1_dense").kernel
    kernel.assign(kernel * 2)
    with pytest.raises(ValueError, match="shared weights"):
        load_task(add_task(base, Task.binary("c"), how="packnet"), path)


@pytest.mark.parametrize(
    "options", [{"dropout": 0.3}, {"batch_norm": True}, pytest.param({"images": True}, marks=pytest.mark.slow)], ids=str
)
def test_a_packed_model_comes_back_where_its_features_have_no_kernel(options, rng, tmp_path):
    model = build(**options) if "images" in options else build(trunk=trunks.mlp((8, 6), **options))
    grown = add_task(prune(model, 0.6), Task.binary("c"), how="packnet", seed=1)
    grown.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    same(grown, loaded, rng.normal(size=(8, *model.input.shape[1:])), "abc")
    features = [keras.Model(one.input, one.representation) for one in (grown, loaded)]
    x = rng.normal(size=(8, *model.input.shape[1:])).astype("float32")
    np.testing.assert_array_equal(*(one(x, training=False) for one in features))


def test_bad_arguments_are_refused():
    model = build()
    with pytest.raises(ValueError, match="'dense1_dense' has none; mtlzoo.growth.prune makes them"):
        add_task(model, Task.binary("c"), how="packnet")
    for share in (0, 1, -0.5):
        with pytest.raises(ValueError, match="`share`"):
            prune(model, share)
    with pytest.raises(TypeError, match="MultiTaskModel"):
        prune(keras.Sequential())
    flat = mtlzoo.architectures.hard_sharing((5,), TASKS, trunk=keras.layers.Flatten())
    with pytest.raises(ValueError, match="besides heads and towers"):
        prune(flat)
