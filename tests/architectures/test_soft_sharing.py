"""Soft parameter sharing: known answers of its own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]
PENALTIES = [{"penalty": "l2"}, *({"penalty": "trace", "flattening": flattening} for flattening in ("last", "tucker", "tt"))]


def build(name="soft_sharing", inputs=(5,), tasks=TASKS, **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


def stacks(model):
    """The stacked weights of the trunks by name."""
    found = [layer for layer in model._flatten_layers() if hasattr(layer, "copies") and layer.weights and hasattr(layer, "kernel")]
    return {f"{layer.name}/{weight.name}": weight.numpy() for layer in found for weight in layer.weights if layer.name.startswith("tasks_")}


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
@pytest.mark.parametrize("penalty", ["l2", "trace"])
def test_no_strength_is_single_task_in_training_too(trunk, penalty, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4)) if trunk == "cnn" else trunks.mlp((4, 6), batch_norm=True), "tower": (3,)}
    ours = build(penalty=penalty, strength=0, **options)
    x, y = data(rng, inputs)
    helpers.assert_same_training(ours, build("single_task", **options), x, y)
    assert ours.losses == []


@pytest.mark.parametrize("arguments", PENALTIES)
def test_the_penalty_reaches_the_loss_once_for_every_form_of_input(arguments, rng):
    x, y = data(rng)
    found = []
    for inputs, batch in (((5,), x), ({"a": (5,), "b": (5,)}, {"a_input": x, "b_input": x}), ({"x": (5,)}, {"x": x})):
        trunk = trunks.Trunk({"pick": _Picked(name="pick"), "think": layers.Dense(4)}) if "x" in inputs else layers.Dense(4)
        model = build(inputs=inputs, trunk=trunk, strength=0.3, **arguments)
        kernel = next(value for key, value in stacks(model).items() if key.endswith("dense/kernel"))
        for layer in model._flatten_layers():
            if layer.name.endswith("_dense"):
                layer.kernel.assign(np.arange(kernel.size, dtype="float32").reshape(kernel.shape) / kernel.size)
        logs = model.evaluate(batch, y, return_dict=True, verbose=0)
        found.append(logs["loss"] - 0.7 * logs["a_loss"] - 2 * logs["b_loss"])
    assert found[0] > 0.05
    np.testing.assert_allclose(found, found[0], rtol=1e-3)


@keras.saving.register_keras_serializable(package="tests")
class _Picked(layers.Layer):
    """Takes the one tensor of a dict."""

    def call(self, x):
        return x["x"]

    def compute_output_shape(self, input_shape):
        return input_shape["x"]


@pytest.mark.parametrize("arguments", PENALTIES)
def test_inputs_of_unlike_sizes_count_the_penalty_once(arguments, rng):
    trunk = trunks.Trunk({"conv": [layers.Conv2D(3, 2), layers.GlobalAveragePooling2D()]})
    penalty = []
    for inputs in ((6, 6, 1), {"a": (6, 6, 1), "b": (4, 4, 1)}):
        model = build(inputs=inputs, trunk=trunk, strength=0.3, **arguments)
        x, _ = data(rng, (6, 6, 1))
        model(x if isinstance(inputs, tuple) else {"a_input": x, "b_input": x[:, :4, :4]})
        penalty.append(float(sum(model.losses)))
    np.testing.assert_allclose(penalty[0], penalty[1], rtol=1e-5)


def test_great_strength_makes_trunks_equal(rng):
    model = build(strength=20.0, trunk=trunks.mlp((4, 6), batch_norm=True), optimizer=keras.optimizers.SGD(0.01))
    apart = [np.abs(weight[0] - weight[1]).max() for weight in stacks(model).values()]
    x, y = data(rng)
    model.fit(x, y, batch_size=8, epochs=5, verbose=0)
    close = [np.abs(weight[0] - weight[1]).max() for weight in stacks(model).values()]
    assert max(apart) > 1 and max(close) < 0.02
    np.testing.assert_allclose(model.sharing()["l2_distance"], 1, atol=1e-3)


def test_a_trace_norm_lowers_the_rank_of_the_stacks(rng):
    x, y = data(rng)
    tasks = [Task.regression(f"t{index}") for index in range(4)]
    labels = {task.name: rng.normal(size=(48, 1)).astype("float32") for task in tasks}

    def smallest(strength):
        model = build(tasks=tasks, penalty="trace", strength=strength, optimizer=keras.optimizers.SGD(0.01))
        model.fit(x, labels, batch_size=8, epochs=20, verbose=0)
        values = [np.linalg.svd(weight.reshape(4, -1), compute_uv=False) for key, weight in stacks(model).items() if "kernel" in key]
        return max(value[-1] / value[0] for value in values)

    assert smallest(2.0) < 0.1 < 0.4 < smallest(0)


@pytest.mark.parametrize("penalty", ["l2", "trace"])
def test_steps_alternate_between_tasks_and_penalty(penalty, rng, tmp_path):
    options = {"optimizer": keras.optimizers.SGD(0.1), "penalty": penalty, "strength": 0.05}
    model, alone = build(alternate=True, **options), build("single_task", optimizer=keras.optimizers.SGD(0.1))
    x, y = data(rng)
    x2, y2 = data(rng)
    model.train_on_batch(x, y)
    alone.train_on_batch(x, y)
    for stage in ("dense1", "dense2"):
        for index, task in enumerate("ab"):
            wanted = alone.get_layer(f"{task}_{stage}_dense").kernel
            np.testing.assert_allclose(stacks(model)[f"tasks_{stage}_dense/kernel"][index], wanted, atol=1e-6)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    before, head = stacks(model), model.get_layer("a").kernel.numpy()
    model.train_on_batch(x2, y2)
    for key, weight in stacks(model).items():
        if penalty == "l2":
            wanted = before[key] - 0.1 * 0.05 * 2 * (before[key] - before[key][::-1])
        elif "kernel" in key:
            left, _, right = np.linalg.svd(before[key].reshape(2, -1), full_matrices=False)
            wanted = before[key] - 0.1 * 0.05 * (left @ right).reshape(weight.shape)
        else:
            wanted = before[key]
        np.testing.assert_allclose(weight, wanted, atol=1e-6, err_msg=key)
    assert np.abs(model.get_layer("a").kernel.numpy() - head).max() > 1e-4, "heads learn in every step"


def test_balancers_that_look_at_a_batch_again_do_not_take_turns_away(rng):
    model = build(alternate=True, balancer="famo")
    x, y = data(rng)
    model.fit(x, y, batch_size=16, verbose=0)
    assert float(model.get_layer("l2_distance").turn) == 1, "three steps"


def test_turns_are_the_same_on_several_replicas(rng):
    options = {"penalty": "trace", "strength": 0.1, "alternate": True}
    alone = build(optimizer=keras.optimizers.SGD(0.1), **options)
    with helpers.two_replicas().scope():
        mirrored = build(optimizer=keras.optimizers.SGD(0.1), **options)
    x, y = data(rng)
    logs = [model.fit(x, y, batch_size=16, shuffle=False, verbose=0).history for model in (alone, mirrored)]
    for key, values in logs[0].items():
        np.testing.assert_allclose(logs[1][key], values, rtol=1e-4, err_msg=key)
    assert helpers.same_weights(alone, mirrored, atol=1e-6)


def test_trunks_start_as_those_of_single_task_and_keep_pretrained_weights():
    trained = keras.Sequential([keras.Input((5,)), layers.Dense(6)])
    trunk = trunks.Trunk({"read": trained.layers[0], "think": layers.Dense(4)})
    ours, single = build(trunk=trunk), build("single_task", trunk=trunk)
    found = stacks(ours)
    np.testing.assert_array_equal(found["tasks_read_dense/kernel"], [trained.get_weights()[0]] * 2)
    np.testing.assert_array_equal(found["tasks_think_dense/kernel"][1], single.get_layer("b_think_dense").kernel)


@pytest.mark.parametrize("arguments", [*PENALTIES, {"strength": 0}])
def test_parameters_by_formula_and_no_shared_ones(arguments):
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    assert build(**arguments).count_params() == 2 * trunk + heads
    with pytest.raises(ValueError, match="this model shares none between its tasks"):
        build(balancer="pcgrad", **arguments)


@pytest.mark.parametrize("arguments", PENALTIES)
def test_the_penalty_is_logged_under_its_name_without_regularisers_of_the_trunk(arguments, rng):
    model = build(trunk=layers.Dense(4, kernel_regularizer="l2"), **arguments)
    x, y = data(rng)
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    layer = model.get_layer("l2_distance" if arguments["penalty"] == "l2" else "trace_norm")
    np.testing.assert_allclose(logs[f"{layer.name}_loss"], 0.01 * float(layer.penalty()), rtol=1e-5)
    added = logs["loss"] - 0.7 * logs["a_loss"] - 2 * logs["b_loss"]
    regularised = 0.01 * np.sum(layer.layers[0].kernel.numpy() ** 2)
    np.testing.assert_allclose(added, logs[f"{layer.name}_loss"] + regularised, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"penalty": "trase"}, ValueError, "`penalty` must be one of 'l2', 'trace'.*Did you mean 'trace'"),
        ({"flattening": "last"}, ValueError, "`flattening` must be None with penalty='l2'"),
        ({"penalty": "trace", "flattening": "laf"}, ValueError, "`flattening` must be one of"),
        ({"strength": -1}, ValueError, "`strength`"),
        ({"alternate": 1}, TypeError, "`alternate` must be True or False"),
        ({"alternate": True, "strength": 0}, ValueError, "`alternate` must be False with strength=0"),
        (
            {"alternate": True, "inputs": {"a": (None, 3), "b": (4, 3)}, "trunk": layers.LSTM(3)},
            ValueError,
            "`alternate` must be False for",
        ),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"flat": layers.Flatten()})}, ValueError, "`trunk` must have a stage with weights"),
        ({"trunk": layers.BatchNormalization(), "penalty": "trace"}, ValueError, "`strength` must be 0 for a trunk without weights"),
        ({"inputs": (6, 6, 1), "trunk": layers.Conv2D(2, 3)}, ValueError, "Flatten"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)
