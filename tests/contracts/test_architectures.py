"""What every architecture must do, whichever it is."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import MultiTaskModel, Task, trunks
from tests import helpers

NAMES = mtlzoo.architectures.names()
ROWS = 32
# Those that train by default; training the others takes minutes and is marked slow.
SAMPLE = ("single_task", "hard_sharing", "mmoe", "cross_stitch")
# These are about a click and a conversion, which they get beside the tasks of a test.
PAIRED = ("escm2", "esmm")


def with_pair(name, tasks):
    return [*tasks, Task.binary("seen"), Task.binary("bought")] if name in PAIRED else list(tasks)


def build(name, tasks=None, **arguments):
    tasks = tasks or with_pair(name, [Task.multiclass("colour", 3), Task.regression("price", alpha=0.5)])
    arguments = {"trunk": trunks.mlp((8, 8)), "seed": 0, **arguments}
    return mtlzoo.architectures.get(name)((6,), tasks, **arguments)


def reported(model):
    """Keys of the losses that layers add."""
    return {f"{layer.name}_loss" for layer in model.layers if getattr(layer, "reports_loss", False)}


def batch(tasks, rng):
    return rng.normal(size=(ROWS, 6)).astype("float32"), helpers.labels_for(tasks, ROWS, rng)


@pytest.fixture(params=[pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in NAMES])
def name(request):
    return request.param


@pytest.mark.parametrize("name", NAMES)
def test_signature_is_the_house_s_own(name):
    parameters = inspect.signature(mtlzoo.architectures.get(name)).parameters
    assert list(parameters)[:2] == ["inputs", "tasks"]
    rest = list(parameters.values())[2:]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)
    assert {"trunk", "optimizer", "balancer", "seed"} <= {parameter.name for parameter in rest}
    assert len(parameters) <= 12


def test_builds_with_defaults_on_images(name):
    model = mtlzoo.architectures.get(name)((12, 12, 1), with_pair(name, [Task.multiclass("digit", 10)]))
    assert model.output["digit"].shape == (None, 10)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_alphas_and_compile(name):
    model = build(name)
    assert isinstance(model, MultiTaskModel) and model.compiled
    pair = [task.name for task in with_pair(name, [])]
    assert list(model.output) == ["colour", "price", *pair]
    assert dict(model.alphas) == {"colour": 1.0, "price": 0.5, **dict.fromkeys(pair, 1.0)}


def test_every_kind_of_task_trains_and_lowers_the_loss(name, rng):
    tasks = with_pair(name, helpers.kinds_of_task())
    model = build(name, tasks, optimizer=keras.optimizers.Adam(0.02))
    x, y = batch(tasks, rng)
    history = model.fit(x, y, batch_size=ROWS, epochs=15, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    predicted = model.predict(x, verbose=0)
    assert {key: value.shape for key, value in predicted.items()} == {task.name: (ROWS, task.units) for task in tasks}
    np.testing.assert_allclose(predicted["colour"].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_tasks(name, count, rng):
    tasks = with_pair(name, [Task.binary(f"t{index}") for index in range(count)])
    model = build(name, tasks)
    x, y = batch(tasks, rng)
    logs = model.fit(x, y, batch_size=ROWS, verbose=0).history
    wanted = {"loss"} | {f"{task.name}_{metric}" for task in tasks for metric in ("loss", "accuracy", "auc")}
    assert wanted | reported(model) == set(logs)


@pytest.mark.parametrize("name", sorted(set(PAIRED) & set(NAMES)))
def test_what_is_about_a_pair_says_so(name):
    with pytest.raises(ValueError, match="`tasks` must hold two binary tasks, a click and a conversion"):
        build(name, [Task.binary("seen"), Task.regression("price")])


def test_alpha_zero_gives_no_gradient_at_the_head(name, rng):
    model = build(name)
    model.alphas["price"] = 0.0
    x, y = batch(model.tasks, rng)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    heads = {head: model.get_layer(head).kernel for head in ("colour", "price")}
    gradients = tape.gradient(loss, heads)
    assert np.all(gradients["price"].numpy() == 0)
    assert np.any(gradients["colour"].numpy() != 0)


def test_keras_file_round_trip(name, rng, tmp_path):
    model = build(name, tower=(4,)) if "tower" in inspect.signature(mtlzoo.architectures.get(name)).parameters else build(name)
    x, y = batch(model.tasks, rng)
    model.fit(x, y, batch_size=ROWS, verbose=0)
    model.alphas["price"] = 0.125
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is MultiTaskModel
    assert loaded.tasks == model.tasks
    assert loaded.builder == model.builder and loaded.builder["name"] == name
    assert dict(loaded.alphas) == {**dict(model.alphas), "price": 0.125}
    for task, output in model.predict(x, verbose=0).items():
        np.testing.assert_array_equal(loaded.predict(x, verbose=0)[task], output)
    ours, theirs = (m.fit(x, y, batch_size=ROWS, epochs=2, verbose=0).history for m in (model, loaded))
    assert ours == theirs, "the optimizer's state must come back too"
    again = mtlzoo.architectures.rebuild(loaded)
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]


def test_a_frozen_model_comes_back(name, rng, tmp_path):
    model = build(name, trunk=trunks.mlp((8, 8), batch_norm=True, dropout=0.2))
    model.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.trainable_variables and model.count_params() == loaded.count_params()
    x, _ = batch(model.tasks, rng)
    for task, output in model.predict(x, verbose=0).items():
        np.testing.assert_array_equal(loaded.predict(x, verbose=0)[task], output)


def test_saved_model_names_its_outputs(name, tmp_path):
    model = build(name)
    model.export(tmp_path / "export", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "export"))
    outputs = loaded.signatures["serving_default"](tf.zeros((3, 6)))
    assert set(outputs) == {"colour", "price", *(task.name for task in with_pair(name, []))}


def test_no_lambda_layers(name):
    assert not [layer for layer in build(name)._flatten_layers() if isinstance(layer, keras.layers.Lambda)]


def test_second_fit_and_new_alphas_do_not_retrace(name, rng):
    model = build(name)
    x, y = batch(model.tasks, rng)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    traces = helpers.count_calls(model)
    model.fit(data, verbose=0)
    first = len(traces)
    model.alphas = {"colour": 0.1, "price": 3.0}
    model.fit(data, verbose=0)
    assert len(traces) == first


def test_mixed_precision_gives_float32_outputs(name, rng):
    policies = ("mixed_float16", "mixed_bfloat16")
    policy = policies[NAMES.index(name) % 2]  # Each with one of the two, which differ in the scaling of losses alone.
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build(name)
    finally:
        keras.config.set_dtype_policy(before)
    x, y = batch(model.tasks, rng)
    assert np.isfinite(model.fit(x, y, batch_size=ROWS, verbose=0).history["loss"][0])
    assert {output.dtype for output in model.predict(x, verbose=0).values()} == {np.dtype("float32")}


def test_mirrored_strategy_trains_as_one_device(name, rng):
    optimizer = {"class_name": "SGD", "config": {"learning_rate": 0.1}}
    alone = build(name, optimizer=keras.optimizers.get(optimizer))
    with helpers.two_replicas().scope():
        mirrored = build(name, optimizer=keras.optimizers.get(optimizer))
    x, y = batch(alone.tasks, rng)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(ROWS)
    logs = [model.fit(data, epochs=2, verbose=0).history for model in (alone, mirrored)]
    for key, values in logs[0].items():
        np.testing.assert_allclose(logs[1][key], values, rtol=1e-4, err_msg=key)
    assert helpers.same_weights(alone, mirrored, atol=1e-6)


def test_one_seed_decides(name):
    first, second, other = build(name, seed=3), build(name, seed=3), build(name, seed=4)
    assert helpers.same_weights(first, second)
    assert not helpers.same_weights(first, other)


def test_one_input_a_task(name, rng):
    tasks, inputs, options = [Task.binary("a"), Task.binary("b")], {"a": (6,), "b": (6,)}, {"trunk": trunks.mlp((8,)), "seed": 0}
    if name == "escm2":  # Its loss compares two labels of one row.
        with pytest.raises(ValueError, match="must be of the same rows; received one input a task"):
            mtlzoo.architectures.get(name)(inputs, tasks, **options)
        return
    model = mtlzoo.architectures.get(name)(inputs, tasks, **options)
    x = {"a_input": rng.normal(size=(ROWS, 6)), "b_input": rng.normal(size=(ROWS, 6))}
    before = model.predict(x, verbose=0)
    x["b_input"] = x["b_input"] + 1
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["a"], after["a"])
    assert not np.allclose(before["b"], after["b"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trunk": "cnm"}, "Did you mean 'cnn'"),
        ({"optimizer": "adma"}, "adma"),
        ({"balancer": "uncertainty_weightin"}, "Did you mean 'uncertainty_weighting'"),
    ],
)
def test_bad_arguments_are_named(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(name, **arguments)


def test_tasks_are_checked(name):
    with pytest.raises(ValueError, match="unlike names"):
        build(name, [Task.binary("a"), Task.binary("a")])
    with pytest.raises(TypeError, match="mtlzoo.Task"):
        build(name, ["a"])
