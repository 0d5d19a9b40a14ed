"""Losses, inputs and records that ordinary data do not show: labels missing in whole batches, NaN inputs, losses of one's own."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers
from tests.test_model import TASKS, build


@pytest.fixture
def data(rng):
    return rng.normal(size=(64, 6)).astype("float32"), helpers.labels_for(TASKS, 64, rng)


def test_loss_is_the_sum_of_task_losses_whatever_is_missing_where(data):
    x, y = data
    y = {name: y[name] for name in ("digit", "even")}
    model = build(TASKS[:2], trunk=trunks.Trunk({"dense": keras.layers.Dense(4, kernel_regularizer="l2")}))
    first = np.arange(64) < 32
    sorted_weights = {"digit": first.astype("float32"), "even": (~first).astype("float32")}
    logs = model.evaluate(x, y, sample_weight=sorted_weights, batch_size=16, return_dict=True, verbose=0)
    added = float(sum(model.losses))
    np.testing.assert_allclose(logs["loss"], logs["digit_loss"] + 0.3 * logs["even_loss"] + added, rtol=1e-5)
    none = {"digit": np.ones(64), "even": np.zeros(64)}
    logs = model.evaluate(x, y, sample_weight=none, batch_size=16, return_dict=True, verbose=0)
    assert np.isnan(logs["even_loss"])
    np.testing.assert_allclose(logs["loss"], logs["digit_loss"] + added, rtol=1e-5)


@pytest.mark.parametrize("on_nonfinite", ["raise", "skip"])
def test_nan_inputs_do_not_reach_the_weights_where_the_loss_stays_finite(data, on_nonfinite):
    x, y = data
    x[3] = np.nan
    model = build()
    model.compile("adam", on_nonfinite=on_nonfinite)
    before = helpers.named_weights(model)
    if on_nonfinite == "raise":
        with pytest.raises(ValueError, match="not finite"):
            model.fit(x, y, batch_size=64, verbose=0)
        assert all(np.array_equal(value, before[path]) for path, value in helpers.named_weights(model).items())
    else:
        assert np.isnan(model.fit(x, y, batch_size=64, verbose=0).history["loss"][0]), "no step was taken: there is no loss"
        model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    assert all(np.all(np.isfinite(value)) for value in model.get_weights())


def test_a_refused_compile_changes_nothing():
    model = build()
    kept = model.tasks, model.optimizer
    with pytest.raises(ValueError, match="adamm"):
        model.compile("adamm", loss_weights={"digit": 0.9}, metrics={"digit": []})
    assert dict(model.alphas) == {"digit": 1.0, "even": 0.3, "size": 2.0} and (model.tasks, model.optimizer) == kept


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Scaled(keras.losses.Loss):
    """A loss whose configuration does not list its argument, as some of Keras' own."""

    def __init__(self, scale=3.0, name="scaled", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        (lambda y, p: keras.ops.mean(keras.ops.square(y - p), axis=-1), lambda e: np.mean(e**2)),
        (Scaled(7.0), lambda e: 7 * np.mean(e**2)),
        (keras.losses.Huber(delta=0.5), lambda e: np.mean(np.where(abs(e) < 0.5, e**2 / 2, 0.5 * abs(e) - 0.125))),
    ],
)
def test_losses_of_one_s_own_see_labels_like_outputs_and_keep_their_arguments(data, loss, wanted):
    x, y = data
    model = build([Task.regression("size", loss=loss)])
    model.fit(x, {"size": y["size"]}, verbose=0)
    logs = model.evaluate(x, {"size": y["size"]}, batch_size=64, return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["size_loss"], wanted(y["size"] - model.predict(x, verbose=0)["size"][:, 0]), rtol=1e-4)


def test_losses_of_whole_vectors_are_not_cut_into_entries(rng):
    cosine = keras.metrics.CosineSimilarity(name="cosine")
    task = Task.regression("v", 3, loss=keras.losses.CosineSimilarity(), metrics=[cosine], monitor=("cosine", "max"))
    assert task.label_shape == (3,) and not task.entrywise
    model = build([task])
    x, v = rng.normal(size=(8, 6)).astype("float32"), rng.normal(size=(8, 3)).astype("float32")
    v[2, 1] = np.nan
    mixture = mtlzoo.data.aligned((x, {"v": v}), [task], batch_size=8, shuffle=False)
    logs = model.evaluate(mixture, return_dict=True, verbose=0)
    there = np.arange(8) != 2
    p = model.predict(x, verbose=0)["v"][there]
    cosines = np.sum(p * v[there], axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(v[there], axis=1)
    np.testing.assert_allclose([logs["v_loss"], logs["v_cosine"]], [-cosines.mean(), cosines.mean()], rtol=1e-4)
    with pytest.raises(ValueError, match=r"must be \[batch\]"):
        model.fit(x, {"v": np.ones((8, 3))}, sample_weight={"v": np.ones((8, 3))}, verbose=0)


def test_a_resumed_run_draws_the_dropout_of_the_unbroken_one(data, tmp_path):
    x, y = data
    model = build(trunk=trunks.mlp((8,), dropout=0.5))
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)


def test_the_builder_s_record_can_be_read_again_and_again(tmp_path):
    x = keras.Input((6,))
    model = build(trunk=keras.Model(x, keras.layers.Dense(4)(x)))
    assert model.builder["name"] == model.builder["name"] == "hard_sharing"
    assert mtlzoo.architectures.rebuild(model).count_params() == mtlzoo.architectures.rebuild(model).count_params()
    given = mtlzoo.architectures.hard_sharing(keras.Input((6,)), list(TASKS), trunk="mlp", seed=0)
    assert mtlzoo.architectures.rebuild(given).count_params() == given.count_params()
    with pytest.raises(ValueError, match="architectures.rebuild"):
        keras.models.clone_model(model)
