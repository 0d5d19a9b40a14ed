"""The rules of the model: Keras' own training without a balancer, missing labels, live alphas, non-finite losses."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import AlphaSchedule, MultiTaskModel, Task, trunks
from tests import helpers

TASKS = (Task.multiclass("digit", 4), Task.binary("even", alpha=0.3), Task.regression("size", alpha=2.0))


def build(tasks=TASKS, **arguments):
    arguments = {"trunk": trunks.mlp((8,)), "seed": 0, **arguments}
    return mtlzoo.architectures.hard_sharing((6,), list(tasks), **arguments)


@pytest.fixture
def data(rng):
    return rng.normal(size=(64, 6)).astype("float32"), helpers.labels_for(TASKS, 64, rng)


def plain_keras():
    """The same network, written and compiled in Keras alone."""
    x = keras.Input((6,))
    h = keras.layers.Dense(8, activation="relu")(x)
    outputs = {
        "digit": keras.layers.Dense(4, activation="softmax", name="digit")(h),
        "even": keras.layers.Dense(1, activation="sigmoid", name="even")(h),
        "size": keras.layers.Dense(1, name="size")(h),
    }
    model = keras.Model(x, outputs)
    metrics = {
        "digit": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        "even": [keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.AUC(name="auc")],
        "size": [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.RootMeanSquaredError(name="rmse")],
    }
    losses = {"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy", "size": "mean_squared_error"}
    model.compile("adam", loss=losses, loss_weights={"digit": 1.0, "even": 0.3, "size": 2.0}, weighted_metrics=metrics)
    return model


def test_without_a_balancer_training_is_keras_own_step_by_step(data):
    ours, theirs = build(), plain_keras()
    theirs.set_weights(ours.get_weights())
    x, y = data
    for start in range(0, 64, 16):
        part = slice(start, start + 16)
        labels = {name: values[part] for name, values in y.items()}
        logs = [model.train_on_batch(x[part], labels, return_dict=True) for model in (ours, theirs)]
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
        assert logs[0].keys() == logs[1].keys()
        for key, value in logs[1].items():
            np.testing.assert_allclose(logs[0][key], value, rtol=1e-5, err_msg=key)


def test_without_a_balancer_fit_and_evaluate_give_keras_own_history(data):
    ours, theirs = build(), plain_keras()
    theirs.set_weights(ours.get_weights())
    x, y = data
    options = {
        "batch_size": 16,
        "epochs": 3,
        "shuffle": False,
        "verbose": 0,
        "validation_data": (x[:32], {k: v[:32] for k, v in y.items()}),
    }
    ours, theirs = ours.fit(x, y, **options).history, theirs.fit(x, y, **options).history
    assert ours.keys() == theirs.keys()
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, err_msg=key)


def test_regularisers_and_added_losses_count_once_as_in_keras(data):
    layer = keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer=keras.regularizers.L1(0.01))
    model = build(trunk=trunks.Trunk({"dense": layer}))
    x, y = data
    logs = model.evaluate(x, y, batch_size=64, return_dict=True, verbose=0)
    hidden = model.get_layer("dense_dense")
    added = 0.1 * np.sum(hidden.kernel.numpy() ** 2) + 0.01 * np.sum(np.abs(hidden(x).numpy())) / len(x)
    tasks = logs["digit_loss"] + 0.3 * logs["even_loss"] + 2 * logs["size_loss"]
    np.testing.assert_allclose(logs["loss"], tasks + added, rtol=1e-4)


def test_a_task_without_labels_takes_no_part_in_the_step(data):
    x, y = data
    y = {name: y[name] for name in ("digit", "even")}
    sgd = {"class_name": "SGD", "config": {"learning_rate": 0.1}}
    both = build(TASKS[:2], optimizer=keras.optimizers.get(sgd))
    alone = build(TASKS[:1], optimizer=keras.optimizers.get(sgd))
    alone_logs = alone.fit(x, {"digit": y["digit"]}, batch_size=16, shuffle=False, verbose=0).history
    weights = {"digit": np.ones(64), "even": np.zeros(64)}
    logs = both.fit(x, y, sample_weight=weights, batch_size=16, shuffle=False, verbose=0).history
    for path, value in helpers.named_weights(alone).items():
        np.testing.assert_allclose(helpers.named_weights(both)[path], value, atol=1e-6)
    np.testing.assert_allclose(logs["digit_loss"], alone_logs["digit_loss"], rtol=1e-5)


def test_losses_and_metrics_are_means_over_the_labels_that_are_there(data):
    x, y = data
    there = np.arange(64) % 3 == 0
    weights = {name: there.astype("float32") for name in y}
    model = build()
    masked = model.evaluate(x, y, sample_weight=weights, batch_size=16, return_dict=True, verbose=0)
    subset = model.evaluate(x[there], {k: v[there] for k, v in y.items()}, batch_size=64, return_dict=True, verbose=0)
    for key in set(subset) - {"loss"}:
        np.testing.assert_allclose(masked[key], subset[key], rtol=1e-4, err_msg=key)


def test_batches_without_a_label_do_not_dilute_the_logged_loss(data):
    x, y = data
    y = {name: y[name] for name in ("digit", "even")}
    model = build(TASKS[:2])
    weights = {"digit": np.ones(64), "even": np.repeat([1.0, 0.0, 0.0, 0.0], 16)}
    masked = model.evaluate(x, y, sample_weight=weights, batch_size=16, return_dict=True, verbose=0)
    first = model.evaluate(x[:16], {k: v[:16] for k, v in y.items()}, return_dict=True, verbose=0)
    np.testing.assert_allclose(masked["even_loss"], first["even_loss"], rtol=1e-5)


def test_entries_of_a_multilabel_may_be_missing_alone(rng):
    tasks = [Task.multilabel("tags", 3), Task.regression("corner", 2)]
    model = build(tasks)
    x, y = rng.normal(size=(8, 6)).astype("float32"), helpers.labels_for(tasks, 8, rng)
    weights = {"tags": rng.integers(0, 2, (8, 3)).astype("float32"), "corner": rng.integers(0, 2, (8, 2)).astype("float32")}
    logs = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    p = model.predict(x, verbose=0)
    entropy = -(y["tags"] * np.log(p["tags"]) + (1 - y["tags"]) * np.log(1 - p["tags"]))
    squares = (y["corner"] - p["corner"]) ** 2
    np.testing.assert_allclose(logs["tags_loss"], np.average(entropy, weights=weights["tags"]), rtol=1e-4)
    np.testing.assert_allclose(logs["corner_loss"], np.average(squares, weights=weights["corner"]), rtol=1e-4)
    full = model.evaluate(x, y, sample_weight=helpers.ones_for(tasks, 8), return_dict=True, verbose=0)
    bare = model.evaluate(x, y, return_dict=True, verbose=0)
    for key, value in bare.items():
        np.testing.assert_allclose(full[key], value, rtol=1e-4, err_msg=key)


@pytest.mark.parametrize("task", [Task.multiclass("t", 2), Task.binary("t"), Task.multilabel("t", 2)])
def test_cross_entropy_is_exact_where_probabilities_round_to_one(task, rng):
    model = build([task])
    head = model.get_layer("t")
    head.kernel.assign(head.kernel * 0)
    head.bias.assign(np.where(np.arange(task.units) == 0, 200.0, 0.0))
    y = {"t": np.ones((4, *task.label_shape), "float32") if task.kind == "multiclass" else np.zeros((4, *task.label_shape), "float32")}
    weights = helpers.ones_for([task], 4)
    loss = model.evaluate(rng.normal(size=(4, 6)), y, sample_weight=weights, return_dict=True, verbose=0)["t_loss"]
    wanted = {"multiclass": 200.0, "binary": 200.0, "multilabel": (200 + np.log(2)) / 2}[task.kind]
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


def test_logits_as_outputs_give_the_same_training(data):
    x, y = data
    tasks = [Task.multiclass("digit", 4), Task.binary("even")]
    raw = [Task.multiclass("digit", 4, from_logits=True), Task.binary("even", from_logits=True)]
    ours, theirs = (build(made).fit(x, y, epochs=2, shuffle=False, verbose=0).history for made in (tasks, raw))
    for key, values in ours.items():
        np.testing.assert_allclose(theirs[key], values, rtol=1e-3, err_msg=key)


def test_class_weights_are_those_of_fit_for_a_single_task(data):
    x, y = data
    ours = build([Task.multiclass("digit", 4, class_weight={0: 3.0, 2: 0.5})])
    theirs = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4, activation="softmax")])
    theirs.compile("adam", loss="sparse_categorical_crossentropy")
    theirs.set_weights(ours.get_weights())
    ours.fit(x, {"digit": y["digit"]}, batch_size=16, epochs=2, shuffle=False, verbose=0)
    theirs.fit(x, y["digit"], batch_size=16, epochs=2, shuffle=False, verbose=0, class_weight={0: 3.0, 1: 1.0, 2: 0.5, 3: 1.0})
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_alphas_act_in_the_next_step(data):
    x, y = data
    model = build(optimizer=keras.optimizers.SGD(0.1))
    model.train_on_batch(x, y)
    model.alphas = {"digit": 0.0, "even": 0.0}
    before = helpers.named_weights(model)
    model.train_on_batch(x, y)
    after = helpers.named_weights(model)
    np.testing.assert_array_equal(before["digit/kernel"], after["digit/kernel"])
    assert not np.allclose(before["size/kernel"], after["size/kernel"])


def test_alpha_schedule_in_fit_is_logged_and_ends_where_it_says(data):
    x, y = data
    model = build()
    history = model.fit(
        x, y, epochs=3, verbose=0, callbacks=[AlphaSchedule({"digit": [0.0, 0.5], "size": lambda epoch: epoch + 1.0})]
    ).history
    assert history["digit_alpha"] == [0.0, 0.5, 0.5] and history["size_alpha"] == [1.0, 2.0, 3.0]
    assert dict(model.alphas) == {"digit": 0.5, "even": 0.3, "size": 3.0}
    with pytest.raises(ValueError, match="Did you mean 'digit'"):
        model.fit(x, y, verbose=0, callbacks=[AlphaSchedule({"digti": 1.0})])


@pytest.mark.parametrize("where", ["label", "weight"])
def test_a_non_finite_loss_stops_with_the_task_s_name_and_touches_nothing(data, where):
    x, y = data
    model = build()
    model.fit(x, y, batch_size=16, verbose=0)
    before = helpers.named_weights(model)
    weights = helpers.ones_for(TASKS, 64)
    (y if where == "label" else weights)["size"][0] = np.nan
    with pytest.raises(ValueError, match="loss of task `size` is not finite"):
        model.fit(x, y, sample_weight=weights, batch_size=64, verbose=0)
    after = helpers.named_weights(model)
    assert all(np.array_equal(before[path], after[path]) for path in before)


def test_non_finite_steps_can_be_left_out(data):
    x, y = data
    trunk = trunks.mlp((8,), batch_norm=True)
    model, clean = build(trunk=trunk), build(trunk=trunk)
    for each in (model, clean):
        each.compile("adam", on_nonfinite="skip", balancer="uncertainty_weighting")
    bad = x.copy()
    bad[20] = np.nan
    logs = model.fit(bad, y, batch_size=16, shuffle=False, verbose=0).history
    keep = np.r_[0:16, 32:64]
    wanted = clean.fit(x[keep], {k: v[keep] for k, v in y.items()}, batch_size=16, shuffle=False, verbose=0).history
    assert helpers.same_weights(model, clean, atol=1e-7)
    assert model.optimizer.iterations.numpy() == 3
    for key, values in wanted.items():
        np.testing.assert_allclose(logs[key], values, rtol=1e-5, err_msg=key)


def test_compile_takes_losses_metrics_and_alphas_by_task_name(data):
    model = build()
    model.compile("sgd", loss={"size": "mae"}, metrics={"size": ["mse"]}, loss_weights={"even": 0.0})
    assert model.tasks[2].loss.name == "mean_absolute_error" and model.tasks[2].monitor == ("mean_squared_error", "min")
    assert dict(model.alphas) == {"digit": 1.0, "even": 0.0, "size": 2.0}
    x, y = data
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["size_loss"], np.abs(y["size"] - model.predict(x, verbose=0)["size"][:, 0]).mean(), rtol=1e-5)
    assert "size_mean_squared_error" in logs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss_weights": {"digt": 1.0}}, "Did you mean 'digit'"),
        ({"loss_weights": {"digit": -1.0}}, "at least 0"),
        ({"loss_weights": {"digit": float("nan")}}, "finite"),
        ({"loss": {"sise": "mse"}}, "Did you mean 'size'"),
        ({"loss": {"size": "mean_squared_eror"}}, "mean_squared_error"),
        ({"on_nonfinite": "ignore"}, "'raise', 'skip'"),
        ({"jit_compile": True}, "XLA leaves the check out"),
    ],
)
def test_compile_refuses_what_keras_would_accept_silently(arguments, message):
    model = build()
    with pytest.raises(ValueError, match=message):
        model.compile("adam", **arguments)
    assert dict(model.alphas) == {"digit": 1.0, "even": 0.3, "size": 2.0}


def test_compile_refuses_lists_whose_order_nobody_knows():
    with pytest.raises(TypeError, match="by task name"):
        build().compile("adam", loss_weights=[1.0, 2.0, 3.0])


def test_labels_are_checked_by_name(data):
    x, y = data
    with pytest.raises(ValueError, match=r"missing \['size'\]"):
        build().fit(x, {"digit": y["digit"], "even": y["even"]}, verbose=0)
    with pytest.raises(ValueError, match="dict with the keys"):
        build().fit(x, y["digit"], verbose=0)


def test_outputs_must_be_those_of_the_tasks():
    x = keras.Input((6,))
    with pytest.raises(ValueError, match="Did you mean 'digit'"):
        MultiTaskModel(x, {"digits": keras.layers.Dense(4, name="digits")(x)}, tasks=[TASKS[0]])
    with pytest.raises(ValueError, match=r"must be \[batch, 4\]"):
        MultiTaskModel(x, {"digit": keras.layers.Dense(5, name="digit")(x)}, tasks=[TASKS[0]])
    with pytest.raises(ValueError, match="at least one Task"):
        MultiTaskModel(x, {"digit": keras.layers.Dense(4, name="digit")(x)})


def test_keras_callbacks_work_unchanged(data, tmp_path):
    x, y = data
    model = build(balancer="uncertainty_weighting")
    callbacks = [
        keras.callbacks.EarlyStopping("val_digit_accuracy", mode="max", patience=0, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_size_mae", mode="min", save_best_only=True),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    model.fit(x, y, validation_data=(x, y), epochs=4, verbose=0, callbacks=callbacks)
    assert keras.saving.load_model(tmp_path / "best.keras").tasks == model.tasks
    assert "digit_weight" in (tmp_path / "log.csv").read_text().splitlines()[0]


def test_backup_and_restore_resumes_to_the_weights_of_the_unbroken_run(data, tmp_path):
    x, y = data

    class Killed(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed

    def run(model, *callbacks):
        schedule = AlphaSchedule({"size": mtlzoo.alphas.linear(0.0, 1.0, epochs=4)})
        model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0, callbacks=[*callbacks, schedule])
        return model

    unbroken = run(build(balancer="uncertainty_weighting"))
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(Killed):
        run(build(balancer="uncertainty_weighting"), backup, Kill())
    resumed = run(build(balancer="uncertainty_weighting", seed=9), keras.callbacks.BackupAndRestore(tmp_path / "backup"))
    assert helpers.same_weights(unbroken, resumed, rtol=0, atol=0)
    np.testing.assert_array_equal(unbroken.balancer.log_variances.numpy(), resumed.balancer.log_variances.numpy())
    assert dict(unbroken.alphas) == dict(resumed.alphas)


def test_a_model_of_one_s_own_needs_no_builder(data, tmp_path):
    x = keras.Input((6,))
    h = keras.layers.Dense(4, activation="relu")(x)
    model = MultiTaskModel(
        x, {task.name: keras.layers.Dense(task.units, task.activation, name=task.name)(h) for task in TASKS}, tasks=TASKS
    )
    model.compile("adam", balancer="uncertainty_weighting")
    model.fit(*data, verbose=0)
    model.save(tmp_path / "own.keras")
    loaded = keras.saving.load_model(tmp_path / "own.keras")
    assert loaded.builder is None and loaded.tasks == TASKS
    with pytest.raises(ValueError, match="must be made by a builder"):
        mtlzoo.architectures.rebuild(loaded)
