"""Attention masks of tasks on shared features."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import TaskAttention

TASKS = ("a", "b", "c")


def plain(layer, features, before, task):
    """One task's masked features in NumPy: batch norms in training on features with places, layer norms on vectors."""

    def normalised(y, norm):
        gamma, beta = norm.gamma.numpy()[task], norm.beta.numpy()[task]
        axes = tuple(range(y.ndim - 1)) if features.ndim > 3 else -1
        return gamma * (y - y.mean(axes, keepdims=True)) / np.sqrt(y.var(axes, keepdims=True) + 1e-3) + beta

    parts = {part.name: part for part in layer._flatten_layers(include_self=False)}
    y = features[:, 0] @ parts["of_features"].copy_weights(task)[0]
    if before is not None:
        y = y + before[:, task] @ parts["of_before"].copy_weights(task)[0]
    y = np.maximum(normalised(y, parts["norm1"]), 0) @ parts["of_both"].copy_weights(task)[0]
    return features[:, 0] / (1 + np.exp(-normalised(y, parts["norm2"])))


@pytest.mark.parametrize("places", [(), (4,), (3, 2)])
@pytest.mark.parametrize("pair", [False, True])
def test_equals_a_module_a_task(places, pair, rng):
    layer = TaskAttention(TASKS, 6)
    features = rng.normal(size=(5, 1, *places, 4)).astype("float32")
    before = rng.normal(size=(5, 3, *places, 7)).astype("float32") if pair else None
    found = layer([features, before] if pair else features, training=True)
    for task in range(3):
        np.testing.assert_allclose(found[:, task], plain(layer, features, before, task), rtol=1e-3, atol=1e-5)
    assert len(layer.trainable_variables) == (7 if pair else 6)


def test_masks_lie_between_none_and_all_and_differ_by_task(rng):
    layer = TaskAttention(TASKS)
    x = rng.normal(size=(40, 1, 4)).astype("float32") * 10
    layer(x)
    masks = np.asarray(layer.masks(x, training=True))
    assert masks.min() > 0 and masks.max() < 1
    assert not np.allclose(masks[:, 0], masks[:, 1]) and not np.allclose(masks[:, 1], masks[:, 2])


def test_a_norm_may_be_chosen(rng):
    vectors, maps = rng.normal(size=(9, 1, 4)).astype("float32"), rng.normal(size=(9, 1, 2, 2, 4)).astype("float32")
    for x, usual, other in ((vectors, "layer", "batch"), (maps, "batch", "layer")):
        default, same, changed = (TaskAttention(TASKS, norm=norm, seed=0) for norm in (None, usual, other))
        np.testing.assert_array_equal(default(x, training=True), same(x, training=True))
        assert not np.allclose(default(x, training=True), changed(x, training=True), atol=1e-2)
        assert len(changed.non_trainable_variables) == (4 if other == "batch" else 0), "statistics"


def test_layers_saved_before_there_was_a_choice_have_batch_norms():
    config = TaskAttention(TASKS).get_config()
    del config["norm"]
    old = TaskAttention.from_config(config)
    old.build((None, 1, 4))
    assert old.norm == "batch" and len(old.non_trainable_variables) == 4


def test_sharing_is_the_mean_mask_by_task_and_channel(rng):
    layer, x = TaskAttention(TASKS), rng.normal(size=(6, 1, 3, 3, 4)).astype("float32")
    layer(x)
    np.testing.assert_allclose(layer.sharing(x), np.asarray(layer.masks(x)).mean((0, 2, 3)), rtol=1e-5)
    assert layer.sharing_labels == (TASKS, ("0", "1", "2", "3"))


def test_a_seed_decides_by_task():
    def kernel(tasks, seed, task):
        layer = TaskAttention(tasks, seed=seed)
        layer.build((None, 1, 4))
        return layer.trainable_variables[0].numpy()[tasks.index(task)]

    np.testing.assert_array_equal(kernel(("a", "b"), 1, "b"), kernel(("b", "c"), 1, "b"))
    assert not np.array_equal(kernel(("a",), 1, "a"), kernel(("a",), 2, "a"))


def test_places_that_are_not_there_do_not_count(rng):
    layer, x = TaskAttention(TASKS), rng.normal(size=(6, 1, 5, 4)).astype("float32")
    mask = keras.ops.array(np.arange(5) < 3)[None, None] & keras.ops.ones((6, 1, 5), "bool")
    layer(x)
    long = layer.masks(x, training=True, mask=mask)
    np.testing.assert_allclose(long[:, :, :3], layer.masks(x[:, :, :3], training=True), rtol=1e-4)
    assert layer.compute_mask(x, mask) is mask and layer.compute_mask([x, x], [mask, None]) is mask


def test_frozen_modules_keep_their_statistics(rng):
    x = rng.normal(size=(6, 1, 4)).astype("float32")
    layer = TaskAttention.from_config({**TaskAttention(TASKS, norm="batch").get_config(), "trainable": False})
    layer(x)
    before = layer.get_weights()
    layer(x, training=True)
    for ours, theirs in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TaskAttention(()), ValueError, "`tasks` must be at least one name"),
        (lambda: TaskAttention(TASKS, 0), ValueError, "`width`"),
        (lambda: TaskAttention(TASKS, norm="group"), ValueError, "`norm` must be one of 'batch', 'layer'"),
        (lambda: TaskAttention(TASKS, 1)(np.ones((4, 1, 5))), ValueError, "`width`.* at least 2 for layer norms.*width 1 and 5 channels"),
        (lambda: TaskAttention(TASKS, slices="all"), ValueError, "`slices`"),
        (lambda: TaskAttention(TASKS)(np.ones((4, 3, 5))), ValueError, r"must be features \[batch, 1, ..., channels\]"),
        (lambda: TaskAttention(TASKS)([np.ones((4, 1, 5)), np.ones((4, 2, 5))]), ValueError, "3 tasks attended to before"),
        (lambda: TaskAttention(TASKS)([np.ones((4, 1, 2, 5)), np.ones((4, 3, 3, 5))]), ValueError, "at the same places"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
