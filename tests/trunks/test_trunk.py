"""The stage protocol: copies a task, copies an expert, modules between stages."""

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo import Task, assemble, trunks
from mtlzoo.trunks import Trunk
from tests import helpers


def test_copies_have_names_and_weights_of_their_own():
    trunk = trunks.cnn(filters=(4, 8), dense=(6,), batch_norm=True, dropout=0.1)
    x = keras.Input((8, 8, 1))
    made = {}
    for prefix in ("left", "right"):
        h = x
        for stage in trunk.copy(prefix, seed=0):
            h = stage(h)
        made[prefix] = keras.Model(x, h)
    names = [{layer.name for layer in model.layers[1:]} for model in made.values()]
    assert not names[0] & names[1] and all(name.startswith("left_") for name in names[0])
    assert not np.allclose(made["left"].get_weights()[0], made["right"].get_weights()[0])


def test_a_fixed_seed_in_a_template_does_not_make_copies_equal():
    trunk = Trunk({"dense": layers.Dense(4, kernel_initializer=keras.initializers.GlorotUniform(seed=7))})
    one, other, again = (trunk.copy(prefix)[0] for prefix in ("a", "b", "a"))
    x = np.ones((1, 3), "float32")
    assert not np.allclose(one(x), other(x))
    np.testing.assert_array_equal(one(x), again(x))


def test_built_layers_keep_their_weights_in_every_copy(rng):
    pretrained = keras.Sequential([keras.Input((3,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
    x = rng.normal(size=(4, 3)).astype("float32")
    for prefix in ("a", "b"):
        stages = trunks.get(pretrained).copy(prefix, seed=1)
        np.testing.assert_allclose(stages[0](x), pretrained(x), atol=1e-6)
        assert stages[0].layers[0] is not pretrained


def test_stages_carry_copies_a_task_and_modules_between_them(rng):
    """A small cross-stitch network, written on nothing but stages: with the identity it is two networks apart."""

    class Stitch(layers.Layer):
        def build(self, shapes):
            self.mix = self.add_weight(shape=(len(shapes),) * 2, initializer=keras.initializers.Identity(), name="mix")

        def call(self, xs):
            return keras.ops.unstack(keras.ops.einsum("ij,j...->i...", self.mix, keras.ops.stack(xs)), len(xs))

    def build(stitch):
        tasks = [Task.binary("a"), Task.binary("b")]
        x = keras.Input((8, 8, 1))
        copies = [trunks.cnn(filters=(3, 4), dense=(5,)).copy(task.name, seed=0) for task in tasks]
        hidden = [x, x]
        for stages in zip(*copies, strict=True):
            hidden = [stage(h) for stage, h in zip(stages, hidden, strict=True)]
            hidden = Stitch()(hidden) if stitch else hidden
        return assemble(x, dict(zip("ab", hidden, strict=True)), tasks, seed=0)

    x = rng.normal(size=(16, 8, 8, 1)).astype("float32")
    stitched, apart = build(True), build(False)
    for task in "ab":
        np.testing.assert_allclose(stitched.predict(x, verbose=0)[task], apart.predict(x, verbose=0)[task], atol=1e-6)
    y = helpers.labels_for(stitched.tasks, 16, rng)
    stitched.fit(x, y, verbose=0)
    mixes = [layer.mix.numpy() for layer in stitched.layers if isinstance(layer, Stitch)]
    assert len(mixes) == 3 and all(mix[0, 1] != 0 for mix in mixes)


def test_stages_carry_copies_an_expert(rng):
    """A small mixture of experts, written on nothing but stages: experts start different, gates sum to 1."""
    x = keras.Input((6,))
    experts = []
    for index in range(3):
        h = x
        for stage in trunks.mlp((5, 4)).copy(f"expert{index}", seed=0):
            h = stage(h)
        experts.append(h)
    stacked = layers.Lambda(lambda hs: keras.ops.stack(hs, axis=1))(experts)
    gate = layers.Dense(3, activation="softmax")(x)
    mixed = layers.Dot(axes=(1, 1))([stacked, gate])
    model = assemble(x, {"a": mixed}, [Task.regression("a")], seed=0)
    outputs = keras.Model(x, stacked).predict(rng.normal(size=(2, 6)), verbose=0)
    assert not np.allclose(outputs[:, 0], outputs[:, 1]) and not np.allclose(outputs[:, 1], outputs[:, 2])
    model.fit(rng.normal(size=(8, 6)), {"a": rng.normal(size=8)}, verbose=0)


@pytest.mark.parametrize("trunk", [trunks.cnn(), trunks.mlp((3,), dropout=0.5), trunks.get("cnn")])
def test_configuration_round_trip(trunk):
    again = Trunk.from_config(trunk.get_config())
    assert again == trunk and again.names == trunk.names
    assert again != trunks.mlp((4,))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Trunk({}), ValueError, "at least one stage"),
        (lambda: Trunk({"a": []}), ValueError, "at least one layer"),
        (lambda: Trunk({"a": [3]}), TypeError, "Keras layers"),
        (lambda: Trunk([layers.Dense(3)]), TypeError, "dict of stage name"),
        (lambda: trunks.get("cnm"), ValueError, "Did you mean 'cnn'"),
        (lambda: trunks.get(3), TypeError, "`trunk` must be"),
        (lambda: trunks.default((3, 4)), ValueError, "must be given for inputs of shape"),
        (lambda: trunks.cnn(filters=()), ValueError, "at least one stage"),
        (lambda: trunks.cnn(padding="full"), ValueError, "'same', 'valid'"),
        (lambda: trunks.mlp((0,)), ValueError, "`units`"),
        (lambda: trunks.mlp(dropout=1.0), ValueError, "`dropout`"),
    ],
)
def test_bad_trunks_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_flattening_at_the_end_of_a_stage_can_stand_apart(rng):
    trunk = trunks.cnn((2, 3), dense=(4,), dropout=0.5)
    apart = trunk.flattening_apart()
    assert apart.names == ("conv1", "conv2", "conv2_flat", "dense1")
    assert [type(layer).__name__ for layer in apart.copy()[2].layers] == ["Flatten", "Dropout"]
    x = rng.normal(size=(2, 8, 8, 1)).astype("float32")
    whole, parts = x, x
    for stage in trunk.copy(seed=3):
        whole = stage(whole)
    for stage in apart.copy(seed=3):
        parts = stage(parts)
    np.testing.assert_array_equal(whole, parts)


def test_flattening_that_leads_to_weights_stays_and_names_are_kept_free():
    read = [layers.Flatten(), layers.Dense(3)]
    assert Trunk({"read": read}).flattening_apart() == Trunk({"read": read})
    only = Trunk({"pool": [layers.GlobalMaxPooling1D(), layers.ReLU()], "think": layers.Dense(2)})
    assert only.flattening_apart() == only
    taken = Trunk({"a": [layers.Conv1D(2, 1), layers.Flatten()], "a_flat": layers.Dense(2)})
    assert taken.flattening_apart().names == ("a", "a_flat_", "a_flat")


def test_flattening_at_the_end_can_be_left_off():
    assert trunks.cnn((2, 3), dropout=0.5).without_flattening().names == ("conv1", "conv2")
    assert trunks.cnn((2, 3), dense=(4,)).without_flattening().names == ("conv1", "conv2", "conv2_flat", "dense1")
    apart = Trunk({"conv": layers.Conv1D(2, 1), "pool": layers.GlobalMaxPooling1D(), "drop": [layers.Flatten(), layers.Dropout(0.1)]})
    assert apart.without_flattening().names == ("conv",)
    only = Trunk({"flat": layers.Flatten()})
    assert only.without_flattening() == only


def test_a_layer_in_front_is_a_part_of_the_first_stage_and_weights_start_as_they_were():
    dense = layers.Dense(2)
    dense.build((None, 3))
    trunk = Trunk({"a": [dense, layers.ReLU()], "b": layers.Dense(1)}).behind(layers.Rescaling(2.0))
    assert trunk.names == ("a", "b")
    first, _ = trunk.copy()
    x = np.ones((1, 3), "float32")
    np.testing.assert_allclose(first(x), np.maximum(2 * x @ dense.kernel.numpy(), 0), rtol=1e-6)
