"""Several steps at a time: the same training, callbacks that look at steps, and how many are taken."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, _executions, trunks
from mtlzoo.progress import ProgressBar
from tests import helpers

TASKS = (Task.multiclass("digit", 4), Task.regression("size"))
ROWS = 56


def build(**compiled):
    model = mtlzoo.architectures.hard_sharing((6,), TASKS, trunk=trunks.mlp((8,), dropout=0.2), seed=0)
    if compiled:
        model.compile("adam", **compiled)
    return model


def some_data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 6)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng)


def dataset(batch=8):
    return tf.data.Dataset.from_tensor_slices(some_data()).batch(batch)


def chosen(model, **arguments):
    return _executions.steps_at_once(model, arguments)


def test_many_steps_at_a_time_train_and_judge_as_one():
    histories, models = [], []
    for size in (1, 4, 32, "auto"):
        model = build(steps_per_execution=size)
        histories.append(model.fit(dataset(), validation_data=dataset(5), epochs=2, verbose=0).history)
        models.append(model)
    for model, history in zip(models[1:], histories[1:], strict=True):
        assert helpers.same_weights(models[0], model, atol=1e-6)
        assert history.keys() == histories[0].keys()
        for key, values in histories[0].items():
            np.testing.assert_allclose(history[key], values, rtol=1e-5, atol=1e-6, err_msg=key)


def test_after_fit_batches_predictions_and_evaluation_are_single_and_nothing_is_traced_again():
    model = build()
    calls, judged = helpers.count_calls(model), helpers.count_calls(model, "test_step")
    model.fit(dataset(), validation_data=dataset(), verbose=0)
    traced = len(calls), len(judged)
    assert model.steps_per_execution == 1
    inside = model.evaluate(dataset(), return_dict=True, verbose=0)
    model.train_on_batch(*some_data())
    once = len(calls), len(judged)
    model.fit(dataset(), validation_data=dataset(), verbose=0)
    model.evaluate(dataset(), verbose=0)
    assert (len(calls), len(judged)) == once and once[0] >= traced[0]
    assert model.predict(dataset(), verbose=0)["digit"].shape == (ROWS, 4)
    assert np.isfinite(inside["loss"])


def test_callbacks_that_look_at_steps_see_every_one(tmp_path):
    seen = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    build().fit(dataset(), callbacks=[watch], verbose=0)
    assert seen == list(range(7))
    model = build()
    looking = [
        watch,
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=3),
        keras.callbacks.ModelCheckpoint(tmp_path / "a.keras", save_freq=3),
        keras.callbacks.TensorBoard(tmp_path / "b", update_freq="batch"),
    ]
    for callback in looking:
        assert chosen(model, x=dataset(), callbacks=[callback]) == 1, callback
    by_epoch = [
        keras.callbacks.EarlyStopping(),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        keras.callbacks.ModelCheckpoint(tmp_path / "a.keras"),
        keras.callbacks.TensorBoard(tmp_path / "b"),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        mtlzoo.AlphaSchedule({"size": [0.0, 1.0]}),
        ProgressBar("training", TASKS),
    ]
    assert chosen(model, x=dataset(), callbacks=by_epoch) == 7
    assert chosen(model, x=dataset(), callbacks=by_epoch[0]) == 7


@pytest.mark.parametrize(
    "arguments, size",
    [
        ({"steps_per_epoch": 235}, 5),
        ({"steps_per_epoch": 96, "validation_steps": 36}, 12),
        ({"steps_per_epoch": 7}, 7),
        ({"validation_steps": 10}, 10),
    ],
)
def test_a_given_number_of_steps_is_kept_exactly(arguments, size):
    endless = dataset().repeat()
    assert chosen(build(), x=endless, **arguments) == size
    model = build()
    model.fit(endless, validation_data=endless, verbose=0, **({"steps_per_epoch": 7, "validation_steps": 10} | arguments))
    assert int(model.optimizer.iterations) == arguments.get("steps_per_epoch", 7)


def test_the_last_part_of_an_epoch_is_nearly_full():
    model = build()
    assert chosen(model, x=dataset(1)) == 28
    assert chosen(model, x=dataset().repeat(1000)) == 32
    assert chosen(model, x=np.ones((33 * 32, 6)), batch_size=32) == 17
    assert chosen(model, x=dataset().filter(lambda *_: True)) == 32


def test_eager_runs_and_replicas_take_one_step():
    assert chosen(build(run_eagerly=True), x=dataset()) == 1
    with helpers.two_replicas().scope():
        assert chosen(build(), x=dataset()) == 1


def test_the_choice_is_saved(tmp_path):
    for given in ("auto", 3):
        model = build(steps_per_execution=given)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded._bundles == (given == "auto") and loaded.steps_per_execution == (1 if given == "auto" else 3)


def test_a_loss_that_is_not_finite_stops_before_its_step_touches_a_weight():
    x, y = some_data()
    bad = y | {"size": np.where(np.arange(ROWS)[:, None] == 30, np.inf, y["size"].reshape(ROWS, -1)).astype("float32")}
    whole, part = build(), build()
    with pytest.raises(ValueError, match="`size` is not finite"):
        whole.fit(x, bad, batch_size=8, shuffle=False, verbose=0)
    part.fit(x[:24], {name: values[:24] for name, values in y.items()}, batch_size=8, shuffle=False, verbose=0)
    assert helpers.same_weights(whole, part, atol=1e-6)
