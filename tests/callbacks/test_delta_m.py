"""Δm in the logs, for Keras' callbacks to monitor."""

import math

import keras
import numpy as np
import pytest

from mtlzoo import Task, architectures, evaluation, trunks
from mtlzoo.callbacks import DeltaM, GradientSimilarity
from tests import helpers

TASKS = [Task.multiclass("kind", 3), Task.regression("price")]
BASE = {"kind_accuracy": 0.5, "price_mae": 2.0, "price_rmse": 2.0}


@pytest.fixture
def data(rng):
    return rng.normal(size=(24, 4)).astype("float32"), helpers.labels_for(TASKS, 24, rng)


@pytest.fixture
def model():
    return architectures.hard_sharing((4,), TASKS, trunk=trunks.mlp((3,)), seed=0)


def test_the_logs_of_every_epoch_have_delta_m(data, model):
    x, y = data
    history = model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0, callbacks=[DeltaM(BASE)]).history
    assert len(history["val_delta_m"]) == len(history["delta_m"]) == 2
    for key in ("delta_m", "val_delta_m"):
        results = {name: history["val_" * key.startswith("val_") + name][1] for name in BASE}
        assert history[key][1] == pytest.approx(evaluation.delta_m(results, BASE, TASKS))
    end = evaluation.delta_m(model.evaluate(x, y, verbose=0, return_dict=True), BASE, TASKS)
    assert history["val_delta_m"][-1] == pytest.approx(end, rel=1e-5)


def test_all_metrics_or_some_tasks():
    logs = {"kind_accuracy": 0.6, "price_mae": 1.0, "price_rmse": 3.0}
    for options, wanted in (
        ({}, (20 + 50) / 2),
        ({"metrics": "all"}, (20 + (50 - 50) / 2) / 2),
        ({"tasks": TASKS[:1]}, 20),
    ):
        found, callback = dict(logs), DeltaM(BASE, **{"tasks": TASKS, **options})
        callback.on_epoch_end(0, found)
        assert found["delta_m"] == pytest.approx(wanted)
        assert "val_delta_m" not in found, "an epoch without validation"


def test_what_is_not_finite_is_no_error_in_training():
    logs = {"val_kind_accuracy": math.nan, "val_price_mae": 1.0, "loss": 1.0}
    callback = DeltaM(BASE, TASKS)
    callback.on_epoch_end(0, logs)
    assert math.isnan(logs["val_delta_m"]) and "delta_m" not in logs


def test_a_callback_that_monitors_it_must_stand_behind_it(data, model, tmp_path):
    x, y = data
    before = helpers.named_weights(model)
    for early in (
        keras.callbacks.EarlyStopping("val_delta_m", mode="max"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_delta_m", mode="max", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau("delta_m", mode="max"),
    ):
        with pytest.raises(ValueError, match=rf"must list DeltaM in front of {type(early).__name__}, which monitors '\w+'"):
            model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[early, DeltaM(BASE)])
        listed = keras.callbacks.CallbackList([early, DeltaM(BASE)], model=model, epochs=1)
        with pytest.raises(ValueError, match="must list DeltaM"):
            model.fit(x, y, verbose=0, callbacks=listed)
    with pytest.raises(ValueError, match="must list GradientSimilarity"):
        model.fit(x, y, verbose=0, callbacks=[keras.callbacks.EarlyStopping("cosine_kind_price"), GradientSimilarity((x, y))])
    assert all(np.array_equal(before[path], values) for path, values in helpers.named_weights(model).items())
    model.fit(x, y, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss"), DeltaM(BASE)])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"baseline": [1.0]}, TypeError, "`baseline` must be a dict"),
        ({"metrics": "al"}, ValueError, "Did you mean 'all'"),
        ({"baseline": {"kind_accuracy": 0.5}}, ValueError, "`baseline` must hold 'price_mae'"),
        ({"baseline": BASE | {"price_mae": 0.0}}, ValueError, r"`baseline\['price_mae'\]` must not be 0"),
        ({"baseline": BASE | {"price_mae": math.nan}}, ValueError, r"`baseline\['price_mae'\]` must be finite"),
        ({"tasks": [Task.regression("prize")], "baseline": {"prize_mae": 1.0}}, ValueError, "Did you mean 'price_mae'"),
    ],
)
def test_a_bad_baseline_is_refused_before_the_first_step(data, model, arguments, error, message):
    with pytest.raises(error, match=message):
        model.fit(*data, verbose=0, callbacks=[DeltaM(**{"baseline": BASE, **arguments})])
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(ValueError, match="`baseline` must hold"):
        DeltaM({}, TASKS)
