"""Keras' own callbacks work unchanged with the tasks' metrics and with Δm; that a resumed run ends as the other: tests/test_model.py."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, architectures, evaluation, trunks
from mtlzoo.callbacks import DeltaM
from tests import helpers

TASKS = [Task.regression("size"), Task.regression("price")]
BASE = {"size_mae": 1.0, "price_mae": 1.0}
BEST = 2


@pytest.fixture
def data(rng):
    return rng.normal(size=(32, 4)).astype("float32"), helpers.labels_for(TASKS, 32, rng)


def train(data, *callbacks, epochs=7):
    """Learns for three epochs, then unlearns by a negative learning rate, so that the third epoch is the best."""
    model = architectures.hard_sharing((4,), TASKS, trunk=trunks.mlp((3,)), optimizer="sgd", seed=0)
    rates = keras.callbacks.LearningRateScheduler(lambda epoch: 0.02 if epoch <= BEST else -0.02)
    return model, model.fit(*data, validation_data=data, epochs=epochs, verbose=0, callbacks=[rates, DeltaM(BASE), *callbacks]).history


@pytest.mark.parametrize(("monitor", "mode"), [("val_delta_m", "max"), pytest.param("val_price_mae", "min", marks=pytest.mark.slow)])
def test_early_stopping_and_its_best_weights(data, monitor, mode):
    stop = keras.callbacks.EarlyStopping(monitor, mode=mode, patience=2, restore_best_weights=True)
    model, history = train(data, stop)
    assert len(history[monitor]) == BEST + 1 + 2 and stop.best_epoch == BEST
    results = model.evaluate(*data, verbose=0, return_dict=True)
    assert results["price_mae"] == pytest.approx(history["val_price_mae"][BEST], rel=1e-5)
    assert evaluation.delta_m(results, BASE, TASKS) == pytest.approx(history["val_delta_m"][BEST], rel=1e-4)


@pytest.mark.slow
def test_the_checkpoint_of_the_best_delta_m(data, tmp_path):
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_delta_m", mode="max", save_best_only=True)
    model, history = train(data, best, epochs=5)
    assert int(np.argmax(history["val_delta_m"])) == BEST
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    found = [evaluation.delta_m(one.evaluate(*data, verbose=0, return_dict=True), BASE, TASKS) for one in (loaded, model)]
    np.testing.assert_allclose(found, [history["val_delta_m"][BEST], history["val_delta_m"][-1]], rtol=1e-4)


@pytest.mark.slow
def test_the_learning_rate_is_reduced_on_a_plateau_of_a_task(data):
    model = architectures.hard_sharing((4,), TASKS, trunk=trunks.mlp((3,)), optimizer="sgd", seed=0)
    plateau = keras.callbacks.ReduceLROnPlateau("val_delta_m", mode="max", factor=0.5, patience=1, min_delta=1e6)
    history = model.fit(*data, validation_data=data, epochs=4, verbose=0, callbacks=[DeltaM(BASE), plateau]).history
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.01, 0.005, 0.0025], rtol=1e-6)
