"""`chance_results`: what `evaluate` says of models whose outputs are those constants."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, architectures
from mtlzoo.evaluation import chance_results
from tests.helpers import kinds_of_task, labels_for

METRICS = (keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.MeanSquaredError(name="mse"))


def constant_model(tasks, constants):
    """A model whose heads have no kernel, and the given outputs before activation as biases."""
    model = architectures.hard_sharing((2,), tasks, trunk="mlp", seed=0)
    for task in tasks:
        kernel, bias = model.get_layer(task.name).get_weights()
        model.get_layer(task.name).set_weights([kernel * 0, np.broadcast_to(constants[task.name], bias.shape)])
    return model


def logit(share):
    return np.log(share / (1 - share))


def weighted(values, weights):
    """Values repeated by their whole weights, one column after the other."""
    weights = np.broadcast_to(weights.reshape(len(weights), -1), values.reshape(len(values), -1).shape).astype(int)
    return [np.repeat(column, weight) for column, weight in zip(values.reshape(len(values), -1).T, weights.T, strict=True)]


def made(tasks, rows, rng):
    labels = labels_for(tasks, rows, rng)
    return np.zeros((rows, 2), "float32"), labels, {task.name: rng.integers(0, 4, (rows, *task.weight_shape)) * 1.0 for task in tasks}


def test_evaluate_gives_the_same_for_a_model_with_these_constants(rng):
    tasks = kinds_of_task()
    train, data = made(tasks, 60, rng), made(tasks, 40, rng)
    columns = {task.name: weighted(train[1][task.name], train[2][task.name]) for task in tasks}
    constants = {
        "colour": np.log(np.bincount(columns["colour"][0].astype(int), minlength=3) / len(columns["colour"][0])),
        "click": logit(np.mean(columns["click"][0])),
        "tags": [logit(np.mean(column)) for column in columns["tags"]],
        "price": np.median(columns["price"][0]),
        "corner": [np.median(column) for column in columns["corner"]],
    }
    found = chance_results(tasks, train, tf.data.Dataset.from_tensor_slices(data).batch(7))
    wanted = constant_model(tasks, constants).evaluate(tf.data.Dataset.from_tensor_slices(data).batch(9), return_dict=True, verbose=0)
    assert found == pytest.approx(wanted, rel=1e-4)


def test_outputs_that_are_logits_give_the_same_scores(rng):
    tasks = [Task.multiclass("a", 3), Task.binary("b"), Task.multilabel("c", 2)]
    logits = [Task.multiclass("a", 3, from_logits=True), Task.binary("b", from_logits=True), Task.multilabel("c", 2, from_logits=True)]
    data = made(tasks, 30, rng)
    assert chance_results(logits, data, data) == pytest.approx(chance_results(tasks, data, data), rel=1e-4)


def test_the_median_serves_absolute_errors_and_the_mean_squared_ones():
    labels = np.array([0.0, 0.0, 1.0, 7.0])

    def scores(loss="mean_squared_error", metrics=METRICS, monitor=None):
        task = Task.regression("t", loss=loss, metrics=metrics, monitor=monitor)
        return chance_results([task], (np.zeros((4, 1)), labels), (np.zeros((4, 1)), {"t": labels}))

    by_median, by_mean = {"t_mae": 2.0, "t_mse": 10.75}, {"t_mae": 2.5, "t_mse": 8.5}
    for task, wanted in (
        ({}, by_median),
        ({"monitor": ("mse", "min")}, by_mean),
        ({"monitor": ("loss", "min")}, by_mean),
        ({"monitor": ("loss", "min"), "loss": "mean_absolute_error"}, by_median),
        ({"monitor": ("loss", "min"), "loss": keras.losses.MeanAbsoluteError()}, by_median),
    ):
        assert {key: value for key, value in scores(**task).items() if key in wanted} == pytest.approx(wanted)


def test_missing_labels_count_nothing_and_a_class_never_seen_stays_possible():
    tasks = [Task.multiclass("a", 3), Task.regression("b", 2, metrics=METRICS[1:])]
    train = (
        np.zeros((3, 1)),
        {"a": np.array([0, 0, 2]), "b": np.array([[1.0, 5.0], [3.0, np.nan], [9.0, 7.0]])},
        {"a": np.array([1.0, 1.0, 0.0]), "b": np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])},
    )
    data = (np.zeros((2, 1)), {"a": np.array([0, 1]), "b": np.array([[2.0, 6.0], [4.0, 6.0]])})
    found = chance_results(tasks, train, data)
    assert found["a_accuracy"] == 0.5 and found["a_loss"] == pytest.approx(-np.log(1e-7) / 2, rel=1e-3)
    assert found["b_mse"] == pytest.approx(1.0)  # From (2, 6): errors 0, 0, 2 and 0.


@pytest.mark.parametrize(
    ("labels", "weights", "words"),
    [
        ([1.0, 2.0], [0.0, 0.0], "label of task 't' .of each unit. with a weight above 0"),
        ([1.0, np.nan], [1.0, 1.0], "weight 0 where a label is missing; task 't'"),
    ],
)
def test_training_labels_that_give_no_constant_are_refused(labels, weights, words):
    train = (np.zeros((2, 1)), {"t": np.array(labels)}, {"t": np.array(weights)})
    with pytest.raises(ValueError, match=words):
        chance_results([Task.regression("t")], train, train)


def test_other_data_is_refused():
    good = (np.zeros((2, 1)), {"t": np.zeros(2)})
    for train, data, error, words in (
        (good, tf.data.Dataset.from_tensor_slices(good).batch(2).repeat(), ValueError, "`data` must be finite"),
        (tf.data.Dataset.from_tensor_slices(good).take(0), good, ValueError, "`train` must hold at least one batch"),
        (tf.data.Dataset.from_tensor_slices(np.zeros((2, 1))).batch(2), good, ValueError, r"`train` must give \(x, y\)"),
        (np.zeros(2), good, TypeError, "`train` must be a tf.data.Dataset"),
        (good, (np.zeros((2, 1)), {"s": np.zeros(2)}), ValueError, "missing"),
    ):
        with pytest.raises(error, match=words):
            chance_results([Task.regression("t")], train, data)
