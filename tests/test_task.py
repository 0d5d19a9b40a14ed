"""Tasks: heads and losses of each kind, checks of every field, configurations."""

import keras
import numpy as np
import pytest

from mtlzoo import Task
from mtlzoo.architectures import hard_sharing
from mtlzoo.task import check_tasks
from tests import helpers


@pytest.mark.parametrize("task", helpers.kinds_of_task(), ids=lambda task: task.name)
def test_configuration_round_trip(task):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(task))
    assert again == task and again is not task
    assert again.replace(alpha=7.0) != task


def test_every_kind_has_a_constructor_and_labels():
    made = {task.kind: (task.label_shape, task.label_dtype, task.activation) for task in helpers.kinds_of_task()[:4]}
    assert made == {
        "multiclass": ((), "int32", "softmax"),
        "binary": ((), "float32", "sigmoid"),
        "multilabel": ((4,), "float32", "sigmoid"),
        "regression": ((), "float32", "linear"),
    }
    assert set(made) == set(Task.kinds())
    assert Task.regression("corner", 2).label_shape == (2,)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Task.binary("a b"), ValueError, "letters, digits"),
        (lambda: Task.binary("1a"), ValueError, "letters, digits"),
        (lambda: Task.binary("loss"), ValueError, "not be 'loss'"),
        (lambda: Task.binary(3), TypeError, "`name` must be a string"),
        (lambda: Task.multiclass("a", 1), ValueError, "`classes`.*at least 2"),
        (lambda: Task.multiclass("a", 2.5), TypeError, "`classes` must be a whole number"),
        (lambda: Task.binary("a", alpha=-0.1), ValueError, "`alpha`.*at least 0"),
        (lambda: Task.binary("a", alpha=float("nan")), ValueError, "`alpha`.*finite"),
        (lambda: Task.binary("a", alpha="high"), TypeError, "`alpha` must be a number"),
        (lambda: Task.regression("a", loss="mse_"), ValueError, "`loss`.*Did you mean"),
        (lambda: Task.regression("a", metrics=["meen_squared_error"]), ValueError, "`metrics`"),
        (lambda: Task.regression("a", loss=keras.losses.MeanSquaredError(reduction="sum")), ValueError, "take a mean"),
        (lambda: Task.binary("a", monitor=("f1", "max")), ValueError, "`monitor` must be one of"),
        (lambda: Task.binary("a", monitor=("auc", "up")), ValueError, "'max', 'min'"),
        (lambda: Task.binary("a", monitor="auc"), TypeError, '"max" or "min"'),
        (lambda: Task.binary("a", label_smoothing=1.5), ValueError, "`label_smoothing`"),
        (lambda: Task.binary("a", focal=-1), ValueError, "`focal`"),
        (lambda: Task.binary("a", loss="mse", focal=2.0), ValueError, "with a `loss` of your own"),
        (lambda: Task.binary("a", loss=keras.losses.BinaryCrossentropy(from_logits=True)), ValueError, "from_logits=True"),
        (lambda: Task.multiclass("a", 3, class_weight=[1, 2]), ValueError, "3 weights"),
        (lambda: Task.multiclass("a", 3, class_weight={3: 1.0}), ValueError, "`class_weight key`"),
        (lambda: Task.multiclass("a", 3, class_weight={0: -1.0}), ValueError, "`class_weight`"),
        (lambda: check_tasks([]), ValueError, "at least one"),
        (lambda: check_tasks([Task.binary("a"), Task.regression("a")]), ValueError, "'a' 2 times"),
    ],
)
def test_bad_fields_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_tasks_are_frozen():
    with pytest.raises(AttributeError):
        Task.binary("a").alpha = 2.0


def test_losses_and_metrics_are_made_afresh():
    task = Task.binary("click")
    assert task.make_metrics()[0] is not task.make_metrics()[0]
    assert task.make_loss() is not task.loss
    assert task.make_loss().reduction == "mean_with_sample_weight" and task.loss.reduction == "sum_over_batch_size"


def test_a_mean_over_the_labels_that_are_there():
    loss = Task.regression("price").make_loss()
    value = loss(np.array([[1.0], [5.0]]), np.array([[3.0], [0.0]]), np.array([1.0, 0.0]))
    assert float(value) == 4.0
    assert float(loss(np.ones((2, 1)), np.zeros((2, 1)), np.zeros(2))) == 0.0


def test_huber_keeps_its_delta_which_keras_forgets():
    task = Task.regression("price", loss=keras.losses.Huber(delta=0.25))
    again = Task.from_config(task.get_config())
    y, p = np.zeros((1, 1)), np.full((1, 1), 3.0)
    assert float(again.loss(y, p)) == float(task.loss(y, p)) != float(keras.losses.Huber()(y, p))


def test_monitor_follows_the_first_metric():
    assert Task.multiclass("a", 3).monitor == ("accuracy", "max")
    assert Task.regression("a", metrics=["mse", "mae"]).monitor == ("mean_squared_error", "min")
    assert Task.regression("a", metrics=[]).monitor == ("loss", "min")
    assert Task.binary("a", metrics=[keras.metrics.Precision(name="precision")]).monitor == ("precision", "max")


def test_accuracy_is_the_one_of_the_kind_of_task():
    for task in (Task.binary("a", metrics=["accuracy", "auc"]), Task.multilabel("a", 3, metrics=["acc"])):
        assert isinstance(task.metrics[0], keras.metrics.BinaryAccuracy) and task.metrics[0].name == "accuracy"
    many = Task.multiclass("a", 3, metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
    assert isinstance(many.metrics[0], keras.metrics.SparseCategoricalAccuracy)
    with pytest.raises(ValueError, match="unlike names"):
        Task.binary("a", metrics=["accuracy", "accuracy"])


def test_focal_loss_without_focus_is_cross_entropy():
    y, p = np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "float32")
    focal, plain = Task.multiclass("a", 3, focal=0.0).loss, Task.multiclass("a", 3).loss
    np.testing.assert_allclose(float(focal(y, p)), float(plain(y, p)), rtol=1e-5)


def test_activations_are_looked_up():
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        Task.regression("a", activation="rellu")
    with pytest.raises(TypeError, match="`class_weight`"):
        Task.binary("a", class_weight=5)


def test_standardized_numbers_are_learnt_in_their_own_unit(tmp_path):
    task = Task.regression("price", standardize=(40_000, 15_000))
    x = np.linspace(-1, 1, 64, dtype="float32")[:, np.newaxis]
    y = {"price": 40_000 + 15_000 * x[:, 0]}
    model = hard_sharing((1,), [task], trunk="mlp", optimizer=keras.optimizers.Adam(0.01), seed=0)
    logs = model.fit(x, y, epochs=30, batch_size=16, verbose=0).history
    assert logs["price_loss"][-1] < 0.1 and logs["price_mae"][0] > 1000, "the loss in standard deviations, the metric in the unit"
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.tasks == (task,)
    np.testing.assert_array_equal(again.predict(x, verbose=0)["price"], model.predict(x, verbose=0)["price"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"standardize": (0, 0)}, "standard deviation"),
        ({"standardize": (float("nan"), 1)}, "mean"),
        ({"standardize": (0, 1), "activation": "relu"}, "linear activation"),
    ],
)
def test_what_cannot_be_standardized(options, message):
    with pytest.raises(ValueError, match=message):
        Task.regression("price", **options)
    with pytest.raises(TypeError, match="pair"):
        Task.regression("price", standardize=3.0)
