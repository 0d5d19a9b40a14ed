"""The backward pass of balancers of several batches: thirds of a batch, cross Gram matrices, plain heads, modes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import CrossGramBalancer
from tests import helpers

TASKS = (Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0), Task.multilabel("c", 2))
ROWS, RATE = 24, 0.125


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class CrossRecording(CrossGramBalancer):
    """Weights from the cross matrix, and a record of what it was given."""

    def build(self, input_shape):
        self.seen = self.state("seen", (input_shape[0],) * 2, dtype="float64")
        self.there = self.state("there", input_shape)
        self.calls = self.state("calls", ())

    def call(self, losses, present, cross):
        return ops.where(present, weights_of(ops.cast(cross, "float64"), ops), 0.0)

    def update(self, losses, present, cross=None):
        self.seen.assign(cross)
        self.there.assign(ops.cast(present, "float32"))
        self.calls.assign(self.calls + 1)


def weights_of(cross, numbers):
    """Weights that depend on every entry of the cross matrix, and not in the same way."""
    return 0.5 + 0.2 * numbers.tanh(cross[:, 0]) + 0.1 * numbers.tanh(cross[0])


def build(tasks=TASKS, trunk=None, inputs=(6,), **modes):
    trunk = trunk or trunks.mlp((8, 5), activation="tanh")
    model = mtlzoo.architectures.hard_sharing(inputs, list(tasks), trunk=trunk, seed=0)
    model.compile(keras.optimizers.SGD(RATE), balancer=CrossRecording(name="recording", **modes))
    return model


def data(tasks=TASKS, rows=ROWS):
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, 6)).astype("float32"), helpers.labels_for(tasks, rows, rng)


def part(rows, k):
    """Every third row of arrays or dicts of them, from the k-th."""
    return tf.nest.map_structure(lambda values: values[k::3], rows)


def gradients(model, x, y, sample_weight=None):
    """Losses [T], and the gradient of every task's loss by weight path."""
    with tf.GradientTape(persistent=True) as tape:
        losses, _ = model.task_losses.values(*model.task_losses.pick(dict(y), model(x, training=True), sample_weight))
    sources = [variable.value for variable in model.trainable_variables]
    found = [tape.gradient(loss, sources, unconnected_gradients="zero") for loss in losses]
    return np.array(losses), [{v.path: g.numpy() for v, g in zip(model.trainable_variables, row, strict=True)} for row in found]


def flat(rows):
    """The shared gradients as a matrix [T, d]."""
    return np.array([np.concatenate([value.ravel() for path, value in row.items() if path.startswith("dense")]) for row in rows], "float64")


def expected(model, x, y, sample_weight=None, weights=None):
    """Losses, the cross matrix, weights and the change of every weight, from gradients computed apart."""
    given = [part(rows, k) for k in range(3) for rows in ((x, y),)]
    parts = [gradients(model, *rows, None if sample_weight is None else part(sample_weight, k))[1] for k, rows in enumerate(given)]
    losses, whole = gradients(model, x, y, sample_weight)
    cross = flat(parts[0]) @ flat(parts[1]).T
    third = parts[2] if weights is None else whole
    weights = weights_of(cross, np) if weights is None else weights
    change = {}
    for path in whole[0]:
        rows, factors = (third, weights) if path.startswith("dense") else (whole, np.ones(len(weights)))
        change[path] = sum(task.alpha * w * row[path] for task, w, row in zip(model.tasks, factors, rows, strict=True))
    return losses, cross, weights, change


def changes(model, x, y, sample_weight=None):
    """The logs of a step, and how much every weight went down."""
    before = {v.path: v.numpy() for v in model.trainable_variables}
    logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
    model.reset_metrics()
    return logs, {v.path: (before[v.path] - v.numpy()) / RATE for v in model.trainable_variables}


def check_changes(got, wanted, atol=2e-5):
    for path, value in wanted.items():
        np.testing.assert_allclose(got[path], value, atol=atol, err_msg=path)


@pytest.mark.parametrize("rows", [24, 3, 7, 8])
def test_thirds_give_the_weights_and_the_last_the_shared_gradient(rows):
    model = build()
    x, y = data(rows=rows)
    for _ in range(3):
        losses, cross, weights, wanted = expected(model, x, y)
        logs, got = changes(model, x, y)
        np.testing.assert_allclose(model.balancer.seen.numpy(), cross, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose([logs[f"{t.name}_weight"] for t in TASKS], weights, rtol=1e-4)
        np.testing.assert_allclose([logs[f"{t.name}_loss"] for t in TASKS], losses, rtol=1e-5)
        np.testing.assert_allclose(logs["loss"], np.dot([t.alpha for t in TASKS], losses), rtol=1e-5)
        check_changes(got, wanted)
    assert model.balancer.calls.numpy() == 3


def test_metrics_are_those_of_all_rows():
    x, y = data(rows=8)
    model, plain = build(), build()
    plain.compile(keras.optimizers.SGD(RATE))
    weights = helpers.ones_for(TASKS, 8)
    weights["a"][::2] = 0
    for given in (None, weights):
        logs = [m.train_on_batch(x, y, sample_weight=given, return_dict=True) for m in (model, plain)]
        for key, value in logs[1].items():
            np.testing.assert_allclose(logs[0][key], value, rtol=1e-5, err_msg=key)
        for m in (model, plain):
            m.reset_metrics()
        plain.set_weights(model.get_weights())


@pytest.mark.parametrize("rows", [1, 2])
def test_batches_that_are_too_small_for_thirds_train_and_leave_the_state(rows):
    model = build(trunk=trunks.mlp((8, 5), batch_norm=True))
    x, y = data(rows=rows)
    still = [variable.numpy() for variable in model.balancer.variables if variable.name == "last"]
    losses, whole = gradients(model, x, y) if rows == 1 else (None, None)
    logs, got = changes(model, x, y)
    assert all(np.all(np.isfinite(value)) for value in helpers.named_weights(model).values())
    np.testing.assert_array_equal(model.balancer.there.numpy(), 0)
    np.testing.assert_array_equal([v.numpy() for v in model.balancer.variables if v.name == "last"], still)
    if rows == 1:
        np.testing.assert_allclose([logs[f"{t.name}_loss"] for t in TASKS], losses, rtol=1e-5)
        check_changes({p: v for p, v in got.items() if not p.startswith("dense")}, whole and _heads(whole))
    model.fit(*data(rows=25), batch_size=6, verbose=0)
    assert all(np.all(np.isfinite(value)) for value in helpers.named_weights(model).values())


def _heads(whole):
    """α·gradient of the heads, by weight path."""
    return {p: sum(t.alpha * row[p] for t, row in zip(TASKS, whole, strict=True)) for p in whole[0] if not p.startswith("dense")}


@pytest.mark.parametrize("rows", [1, 2])
def test_metrics_of_small_batches_count_each_row_once(rows):
    x, y = data(rows=rows)
    model, plain = build(), build()
    plain.compile(keras.optimizers.SGD(RATE))
    logs = [m.train_on_batch(x, y, return_dict=True) for m in (model, plain)]
    for key, value in logs[1].items():
        np.testing.assert_allclose(logs[0][key], value, rtol=1e-5, err_msg=key)


@pytest.mark.parametrize("missing", ["one third", "all"])
def test_a_task_without_labels_in_a_third_leaves_the_shared_parameters_to_the_others(missing):
    x, y = data()
    three, two = build(), build(TASKS[:2])
    weights = helpers.ones_for(TASKS, ROWS)
    weights["c"][slice(1, None, 3) if missing == "one third" else slice(None)] = 0
    for _ in range(3):
        wanted = _heads(gradients(three, x, y, weights)[1])
        logs, got = changes(three, x, y, weights)
        changes(two, x, {name: y[name] for name in "ab"})
        check_changes({path: value for path, value in got.items() if not path.startswith("dense")}, wanted)
        np.testing.assert_array_equal(three.balancer.there.numpy(), [1, 1, 0])
        assert missing == "all" or logs["c_weight"] == 0
    for path, value in helpers.named_weights(two).items():
        np.testing.assert_allclose(helpers.named_weights(three)[path], value, atol=1e-5, err_msg=path)


def test_labels_that_are_missing_here_and_there_weigh_the_thirds():
    x, y = data()
    model, rng = build(), np.random.default_rng(5)
    for _ in range(3):
        weights = {name: (rng.random(value.shape) < 0.6).astype("float32") for name, value in helpers.ones_for(TASKS, ROWS).items()}
        _, cross, _, wanted = expected(model, x, y, weights)
        _, got = changes(model, x, y, weights)
        np.testing.assert_allclose(model.balancer.seen.numpy(), cross, rtol=1e-4, atol=1e-6)
        check_changes(got, wanted)


def test_steps_in_between_keep_the_weights_for_all_rows():
    model = build(every=2)
    x, y = data(rows=8)
    weights = None
    for step in range(4):
        _, _, weights, wanted = expected(model, x, y, weights=weights if step % 2 else None)
        logs, got = changes(model, x, y)
        np.testing.assert_allclose([logs[f"{t.name}_weight"] for t in TASKS], weights, rtol=1e-4)
        check_changes(got, wanted)
    assert model.balancer.calls.numpy() == 2


def test_frozen_weights_are_the_mean_over_the_second_half():
    model = build(freeze_after=4)
    x, y = data()
    kept = []
    for _ in range(7):
        logs, _ = changes(model, x, y)
        kept.append(model.balancer.last.numpy().copy())
    np.testing.assert_allclose(model.balancer.mean.numpy(), np.mean(kept[2:4], axis=0), rtol=1e-6)
    assert model.balancer.calls.numpy() == 4 and model.balancer.steps.numpy() == 7
    np.testing.assert_allclose([logs[f"{t.name}_weight"] for t in TASKS], model.balancer.mean.numpy(), rtol=1e-6)


def test_inputs_may_be_a_dict():
    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    trunk = keras.Model({"left": left, "right": right}, keras.layers.Dense(5, name="dense")(keras.layers.Concatenate()([left, right])))
    model = build(trunk=trunk, inputs={"left": (4,), "right": (2,)})
    flat_model = build(trunk=trunks.Trunk({"dense": keras.layers.Dense(5)}))
    x, y = data()
    kernel = next(v for v in model.trainable_variables if v.shape == (6, 5))
    kernel.assign(next(v for v in flat_model.trainable_variables if v.shape == (6, 5)))
    for _ in range(2):
        changes(flat_model, x, y)
        changes(model, {"left": x[:, :4], "right": x[:, 4:]}, y)
    for one, other in zip(model.get_weights(), flat_model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_regularisers_count_once_and_are_not_weighed():
    layer = keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer=keras.regularizers.L1(0.01))
    x, y = data()
    for modes in ({}, {"every": 2}):
        regular = build(trunk=trunks.Trunk({"dense": layer}), **modes)
        bare = build(trunk=trunks.Trunk({"dense": keras.layers.Dense(5)}), **modes)
        for _ in range(2):
            bare.set_weights(regular.get_weights())
            kernel, bias = (regular.get_layer("dense_dense").get_weights()[index] for index in (0, 1))
            with tf.GradientTape() as tape:
                k = tf.Variable(kernel)
                added = 0.1 * tf.reduce_sum(k**2) + 0.01 * tf.reduce_sum(tf.abs(x @ k + bias)) / ROWS
            wanted = tape.gradient(added, k).numpy()
            got = [changes(model, x, y)[1]["dense_dense/kernel"] for model in (regular, bare)]
            np.testing.assert_allclose(got[0] - got[1], wanted, atol=1e-5)


def test_replicas_train_on_their_thirds_as_one_device_does():
    x, y = data()
    # Each replica takes half of a batch: the same rows as thirds of one device.
    parts = [np.concatenate([np.arange(ROWS // 2)[k::3], np.arange(ROWS // 2, ROWS)[k::3]]) for k in range(3)]
    woven = np.stack(parts, axis=1).ravel()
    assert sorted(woven) == list(range(ROWS))
    alone = build()
    with helpers.two_replicas().scope():
        mirrored = build()
    for model, rows in ((alone, woven), (mirrored, np.arange(ROWS))):
        dataset = tf.data.Dataset.from_tensor_slices((x[rows], {name: value[rows] for name, value in y.items()})).batch(ROWS)
        model.fit(dataset, epochs=3, verbose=0)
    np.testing.assert_allclose(mirrored.balancer.seen.numpy(), alone.balancer.seen.numpy(), rtol=1e-3, atol=1e-6)
    assert helpers.same_weights(alone, mirrored, atol=1e-4)
    # The last batch has one row: a replica gets none.
    mirrored.fit(tf.data.Dataset.from_tensor_slices(data(rows=13)).batch(12), verbose=0)
    assert all(np.all(np.isfinite(value)) for value in helpers.named_weights(mirrored).values())


def test_scaled_losses_of_mixed_precision_do_not_reach_the_balancer():
    x, y = data()
    plain = build()
    plain.train_on_batch(x, y)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = build()
    finally:
        keras.config.set_dtype_policy("float32")
    # Means over a third of the rows are larger: at the first scale of 2^15 they would overflow.
    mixed.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE), initial_scale=2.0**10), balancer=mixed.balancer)
    mixed.train_on_batch(x, y)
    np.testing.assert_allclose(mixed.balancer.seen.numpy(), plain.balancer.seen.numpy(), rtol=0.05, atol=1e-3)
    assert helpers.same_weights(plain, mixed, atol=0.03)


def test_modes_and_state_are_saved(tmp_path):
    model = build(every=2, freeze_after=9)
    x, y = data(rows=25)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.balancer.get_config() == model.balancer.get_config()
    ours, theirs = (m.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history for m in (model, loaded))
    assert ours == theirs
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)
