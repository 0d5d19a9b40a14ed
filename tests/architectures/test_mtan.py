"""Multi-task attention networks: known answers of their own."""

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]
SEQUENCES = trunks.Trunk(
    {
        "words": layers.Embedding(9, 4, mask_zero=True),
        "lstm": layers.LSTM(5, return_sequences=True),
        "read": [layers.GlobalAveragePooling1D(), layers.Dropout(0.1)],
    }
)


def build(name="mtan", inputs=(5,), **arguments):
    return getattr(mtlzoo.architectures, name)(inputs, TASKS, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def modules(model):
    return [layer for layer in model.layers if hasattr(layer, "sharing")]


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


def open_wide(model):
    """Gives every module a mask of one: an offset so large that the sigmoid is one."""
    for module in modules(model):
        norm = next(part for part in module._flatten_layers(include_self=False) if part.name == "norm2")
        norm.gamma.assign(0 * norm.gamma)
        norm.beta.assign(0 * norm.beta + 40)
        module.trainable = False


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "cnn_dense"])
def test_a_mask_of_one_is_hard_sharing_in_training_too(trunk, rng):
    made = {"mlp": trunks.mlp((4, 6), batch_norm=True), "cnn": trunks.cnn((3, 4)), "cnn_dense": trunks.cnn((3, 4), dense=(5,))}[trunk]
    options = {"inputs": (5,) if trunk == "mlp" else (6, 6, 1), "trunk": made, "tower": (3,)}
    attending, hard = build(**options), build("hard_sharing", **options)
    open_wide(attending)
    for model in (attending, hard):
        model.compile("sgd")
    x, y = data(rng, options["inputs"])
    ours, theirs = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (attending, hard))
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in hard.predict(x, verbose=0).items():
        np.testing.assert_allclose(attending.predict(x, verbose=0)[task], output, atol=1e-5)


def test_a_mask_of_zero_hides_everything(rng):
    model = build(trunk=trunks.mlp((4, 6)))
    norm = next(part for part in modules(model)[-1]._flatten_layers(include_self=False) if part.name == "norm2")
    norm.gamma.assign(0 * norm.gamma)
    norm.beta.assign([[-200.0] * 6, [0.0] * 6])
    x, _ = data(rng)
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found["a"], np.broadcast_to(found["a"][:1], found["a"].shape), atol=1e-6)
    assert np.ptp(found["b"]) > 0.01


def test_modules_sit_behind_stages_with_weights_in_front_of_flattening(rng):
    model = build(inputs=(8, 8, 1), trunk=trunks.cnn((3, 4), dense=(6,), dropout=0.1))
    shapes = {module.name: tuple(module.output.shape) for module in modules(model)}
    assert shapes == {
        "conv1_attention": (None, 2, 4, 4, 3),
        "conv2_attention": (None, 2, 2, 2, 4),
        "dense1_attention": (None, 2, 6),
    }
    x, _ = data(rng, (8, 8, 1))
    for module, masks in model.sharing(x).items():
        assert masks.shape == (2, shapes[module][-1]) and masks.min() > 0 and masks.max() < 1


@pytest.mark.parametrize("width", [None, 2])
def test_parameters_by_formula(width):
    def module(channels, inputs, norm=2):
        inside = width or channels
        return 2 * (inputs * channels * inside + inside * channels + norm * (inside + channels))

    heads = (6 * 3 + 3) + (6 + 1)
    dense = (5 * 4 + 4) + 2 * (4 * 6 + 6) + module(4, 1) + module(6, 2)
    assert build(width=width).count_params() == dense + heads
    images = (9 * 3 + 3) + 2 * (9 * 3 * 4 + 4) + 2 * (2 * 2 * 4 * 6 + 6) + module(3, 1, norm=4) + module(4, 2, norm=4) + module(6, 2)
    assert build(inputs=(8, 8, 1), trunk=trunks.cnn((3, 4), dense=(6,)), width=width).count_params() == images + heads


def test_modules_are_the_tasks_own_and_both_trunks_are_shared():
    model = build()
    sharing = Sharing(model)
    layers_of = [variable.path.split("/")[0] for variable in model.trainable_variables]
    assert {layers_of[index] for index in sharing.sliced} == {"dense1_attention", "dense2_attention"}
    assert {layers_of[index] for index in sharing.shared} == {"dense1_dense", "dense2_dense", "passed_dense2_dense"}


def test_what_one_task_attends_to_is_nothing_to_another(rng):
    model = build()
    x, _ = data(rng)
    before = model.predict(x, verbose=0)
    for module in modules(model):
        kernel = module.trainable_variables[0]
        kernel.assign(kernel + np.array([1.0, 0.0]).reshape(2, 1, 1) * rng.normal(size=kernel.shape))
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["b"], after["b"])
    assert not np.allclose(before["a"], after["a"])


def test_a_trunk_with_a_dense_end_judges_by_the_masks_that_it_was_trained_with(rng):
    # With batch norms on its vectors, outputs by stored statistics differ by up to 0.5 from those by the batch's own.
    trunk = trunks.Trunk({"conv": [layers.Conv2D(4, 3, activation="relu"), layers.Flatten()], "dense": layers.Dense(32, activation="relu")})
    adam = keras.optimizers.Adam(0.003)
    model = mtlzoo.architectures.mtan((6, 6, 1), [Task.multiclass("a", 4)], trunk=trunk, optimizer=adam, seed=0)
    labels = rng.integers(0, 4, 64)
    x = rng.normal(size=(64, 6, 6, 1)).astype("float32")
    model.fit(x, {"a": labels}, batch_size=64, epochs=40, shuffle=False, verbose=0)
    stored, batch = (np.asarray(model(x, training=training)["a"]) for training in (False, True))
    np.testing.assert_allclose(stored, batch, atol=0.05)
    assert np.mean(stored.argmax(1) == labels) > 0.9, "with the masks moved as far as training moves them"


def test_sequences_with_masks_pass(rng):
    tokens = rng.integers(1, 9, (12, 7))
    model = build(inputs=keras.Input((7,), dtype="int32"), trunk=SEQUENCES)
    assert [module.name for module in modules(model)] == ["words_attention", "lstm_attention"]
    tokens[:, 4:] = 0
    longer = np.concatenate([tokens, np.zeros_like(tokens)], axis=1)
    wide = build(inputs=keras.Input((14,), dtype="int32"), trunk=SEQUENCES)
    wide.set_weights(model.get_weights())
    model.fit(tokens, helpers.labels_for(TASKS, 12, rng), verbose=0)
    wide.fit(longer, helpers.labels_for(TASKS, 12, rng), verbose=0)
    wide.set_weights(model.get_weights())
    for task, output in model.predict(tokens, verbose=0).items():
        np.testing.assert_allclose(wide.predict(longer, verbose=0)[task], output, atol=1e-5)


def test_pretrained_and_opaque_trunks(rng):
    whole = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(6)])
    model = build(trunk=whole)
    assert [module.name for module in modules(model)] == ["trunk_attention"]
    open_wide(model)
    x, _ = data(rng)
    features = keras.Model(model.input, model.get_layer("trunk_attention").output).predict(x, verbose=0)
    np.testing.assert_allclose(features[:, 1], whole.predict(x, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "`width` must be a whole number at least 1"),
        ({"trunk": trunks.Trunk({"read": layers.ReLU()})}, "`trunk` must have weights"),
        ({"inputs": (6, 6, 1), "trunk": trunks.Trunk({"a": layers.Conv2D(2, 3)})}, "End the trunk with Flatten"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
