"""Joint attention over tasks and features: known answers of its own."""

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
    {"words": layers.Embedding(9, 4, mask_zero=True), "lstm": layers.LSTM(5, return_sequences=True), "read": layers.GlobalMaxPooling1D()}
)


def build(inputs=(5,), **arguments):
    return mtlzoo.architectures.joint_attention(inputs, TASKS, **{"width": 8, "heads": 2, "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(TASKS, rows, rng)


@pytest.mark.parametrize("trunk", [None, "mlp", "cnn"])
@pytest.mark.parametrize("see", [True, False])
def test_a_task_s_output_depends_on_another_s_token_only_if_tasks_see_tasks(trunk, see, rng):
    inputs = (8, 8, 1) if trunk == "cnn" else (5,)
    model = build(inputs, trunk=trunk, tasks_see_tasks=see, blocks=3)
    x, _ = data(rng, inputs)
    before = model.predict(x, verbose=0)
    tokens = model.get_layer("task_tokens").tokens
    tokens.assign(tokens + rng.normal(size=(1, 8)) * np.array([[0.0], [1.0]]))
    after = model.predict(x, verbose=0)
    assert np.array_equal(before["a"], after["a"]) is not see
    assert not np.allclose(before["b"], after["b"])


def test_sharing_shows_tasks_and_features_block_by_block(rng):
    x, _ = data(rng)
    for see in (True, False):
        found = build(tasks_see_tasks=see).sharing(x)
        assert list(found) == ["block1", "block2"]
        for matrix in found.values():
            assert matrix.shape == (2, 3) and matrix.min() >= 0
            np.testing.assert_allclose(matrix.sum(-1), 1, rtol=1e-5)
            assert bool(matrix[0, 1] > 0 and matrix[1, 0] > 0) is see


@pytest.mark.parametrize(
    ("inputs", "trunk", "tokens", "channels", "of_trunk"),
    [
        ((5,), None, 5, 5, 0),
        ((5,), trunks.mlp((4, 6)), 6, 6, (5 * 4 + 4) + (4 * 6 + 6)),
        ((8, 8, 1), trunks.cnn((3, 4)), 4, 4, (9 * 3 + 3) + (9 * 3 * 4 + 4)),
        ((8, 8, 1), trunks.cnn((3,), dense=(7,)), 7, 7, (9 * 3 + 3) + (4 * 4 * 3 * 7 + 7)),
        ((6, 2), trunks.Trunk({"a": layers.LSTM(3, return_sequences=True), "b": layers.Flatten()}), 6, 3, 4 * (2 * 3 + 3 * 3 + 3)),
    ],
)
def test_tokens_and_parameters_by_formula(inputs, trunk, tokens, channels, of_trunk):
    model = build(inputs, trunk=trunk, blocks=3)
    assert model.get_layer("feature_tokens").output.shape == (None, tokens, 8)
    heads, blocks = (8 * 3 + 3) + (8 + 1), 3 * (12 * 8**2 + 12 * 8)
    assert model.count_params() == of_trunk + (channels + tokens) * 8 + 2 * 8 + blocks + 2 * 8 + heads


def test_padding_of_sequences_is_not_read(rng):
    tokens = rng.integers(1, 9, (12, 7))
    tokens[:, 5:] = 0
    long = build(keras.Input((None,), dtype="int32"), trunk=SEQUENCES)
    for task, output in long.predict(tokens, verbose=0).items():
        np.testing.assert_allclose(long.predict(tokens[:, :5], verbose=0)[task], output, atol=1e-5)
    for block, matrix in long.sharing(tokens).items():
        np.testing.assert_allclose(long.sharing(tokens[:, :5])[block], matrix, atol=1e-5)
    long.fit(tokens, helpers.labels_for(TASKS, 12, rng), verbose=0)


@pytest.mark.parametrize("see", [True, False])
def test_tokens_are_the_tasks_own_where_others_do_not_see_them(see):
    model = build(tasks_see_tasks=see)
    sharing = Sharing(model)
    layers_of = [variable.path.split("/")[0] for variable in model.trainable_variables]
    assert {layers_of[index] for index in sharing.sliced} == (set() if see else {"task_tokens"})
    assert {"feature_tokens", "block1", "block2", "norm"} <= {layers_of[index] for index in sharing.shared}


def test_every_weight_learns(rng):
    x, y = data(rng)
    model = build()
    before = helpers.named_weights(model)
    model.fit(x, y, epochs=2, verbose=0)
    after = helpers.named_weights(model)
    assert not [path for path in before if np.array_equal(before[path], after[path])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 7}, "`width` must be a multiple of `heads`, which is 2; received 7"),
        ({"width": 0}, "`width`"),
        ({"heads": 0}, "`heads` must be a whole number at least 1"),
        ({"blocks": 0}, "`blocks` must be a whole number at least 1"),
        ({"inputs": keras.Input((6,), dtype="int32")}, "`trunk` must be given for inputs of whole numbers"),
        ({"inputs": (6, 2)}, "`trunk` must be given for inputs of shape"),
        ({"inputs": {"x": (3,), "y": (4,)}}, "`trunk` must be given for several named inputs"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_tasks_see_tasks_must_be_said_plainly():
    with pytest.raises(TypeError, match="`tasks_see_tasks` must be True or False"):
        build(tasks_see_tasks="no")
