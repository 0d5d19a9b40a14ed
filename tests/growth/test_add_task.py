"""A trained model gains a task, and keeps what it could do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import MultiTaskModel, Task, trunks
from mtlzoo._sharing import Sharing
from mtlzoo.export import export_saved_model
from mtlzoo.growth import add_task, alone, load_task, save_task
from tests import helpers

OLD = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]
NEW = Task.binary("c", alpha=0.5)
KEEPING = ["head", "adapters"]


def trained(name="hard_sharing", inputs=(5,), rng=None, **arguments):
    arguments = {"trunk": trunks.mlp((8, 6), batch_norm=True, dropout=0.2), "seed": 0, **arguments}
    model = getattr(mtlzoo.architectures, name)(inputs, OLD, **arguments)
    x = rng.normal(size=(64, *inputs)).astype("float32")
    model.fit(x, helpers.labels_for(OLD, 64, rng), epochs=2, verbose=0)
    model.alphas["a"] = 0.25
    return model, x


def labels_of_new_task(tasks, x, rng):
    """Labels of the new task; those of the old ones are missing."""
    y = helpers.labels_for(tasks, len(x), rng)
    y["c"] = (x.reshape(len(x), -1)[:, 0] > 0).astype("float32")
    weights = {name: np.full(len(x), float(name == "c"), "float32") for name in y}
    return y, weights


def distance(before, after):
    return max(np.abs(before[name] - after[name]).max() for name in before)


@pytest.mark.parametrize("how", KEEPING)
@pytest.mark.parametrize(("images", "apart"), [(False, True), pytest.param(True, False, marks=pytest.mark.slow)])
def test_old_outputs_stay_bit_by_bit(how, images, apart, rng):
    options = {"inputs": (6, 6, 1), "trunk": trunks.cnn((3, 4), batch_norm=True, dense=(5,))} if images else {}
    model, x = trained(rng=rng, **options)
    before = model.predict(x, verbose=0)
    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.1)
    grown = add_task(model, NEW, how=how, tower=(4,), optimizer=optimizer, seed=1)
    y, weights = labels_of_new_task(grown.tasks, x, rng)
    if apart:
        part = alone(grown, "c", optimizer=optimizer)
        history = part.fit(x, {"c": y["c"]}, epochs=15, verbose=0).history
    else:
        history = grown.fit(x, y, sample_weight=weights, epochs=15, verbose=0).history
    assert history["c_loss"][-1] < history["c_loss"][0] - 0.02
    after = grown.predict(x, verbose=0)
    for name, output in before.items():
        np.testing.assert_array_equal(after[name], output)
    assert distance(before, model.predict(x, verbose=0)) == 0


def test_adapters_start_as_the_head_alone_and_count_as_they_should(rng):
    model, x = trained(rng=rng)
    head, adapted = (add_task(model, NEW, how=how, seed=1, **options) for how, options in (("head", {}), ("adapters", {"size": 3})))
    np.testing.assert_array_equal(head.predict(x, verbose=0)["c"], adapted.predict(x, verbose=0)["c"])
    assert head.count_params() == model.count_params() + 6 + 1
    assert adapted.count_params() == head.count_params() + (2 * 3 * 8 + 3 + 8) + (2 * 3 * 6 + 3 + 6)
    one = add_task(model, NEW, how="adapters", after=["dense2_dense"], size=3)
    assert one.count_params() == head.count_params() + (2 * 3 * 6 + 3 + 6)


@pytest.mark.parametrize(("name", "features"), [("mmoe", None), ("cross_stitch", "features"), ("single_task", "a_dense2_dense")])
def test_features_must_be_named_where_tasks_read_different_ones(name, features, rng):
    model, x = trained(name, rng=rng, trunk=trunks.mlp((8, 6)), tower=(4,) if name == "mmoe" else ())
    with pytest.raises(ValueError, match="`features` must name the layer that the new task reads"):
        add_task(model, NEW)
    if name == "single_task":
        grown = add_task(model, NEW, features=features, how="adapters")
        assert [layer.name for layer in grown.layers if layer.trainable_variables] == [
            "c_a_dense1_dense_adapter",
            "c_a_dense2_dense_adapter",
            "c",
        ]
        assert distance(model.predict(x, verbose=0), {name: grown.predict(x, verbose=0)[name] for name in "ab"}) == 0


@pytest.mark.parametrize(
    ("name", "features", "folded"),
    [("conditioned", "dense1_dense", ["dense2_fold", "dense2_dense"]), ("mtan", "dense2_dense", ["attended_rows", "passed_dense2_dense"])],
)
def test_features_that_hold_copies_as_rows_are_refused(name, features, folded, rng):
    model = mtlzoo.architectures.get(name)((5,), OLD, trunk=trunks.mlp((8, 6)), seed=0)
    for layer in folded:
        assert len(model.get_layer(layer).output.shape) == 2
        with pytest.raises(ValueError, match=f"{layer!r} lies between Fold and Unfold"):
            add_task(model, NEW, features=layer)
    with pytest.raises(ValueError, match="layers that give vectors are") as raised:
        add_task(model, NEW)
    assert repr(features) in str(raised.value) and not any(repr(layer) in str(raised.value) for layer in folded)
    for how in KEEPING:
        grown = add_task(model, NEW, features=features, how=how)
        outputs = grown.predict(rng.normal(size=(8, 5)), verbose=0)
        assert {len(output) for output in outputs.values()} == {8}
    # Behind an Unfold rows are examples again.
    assert {len(output) for output in add_task(model, NEW, features="a").predict(rng.normal(size=(8, 5)), verbose=0).values()} == {8}


@pytest.mark.slow
@pytest.mark.parametrize("how", [*KEEPING, "lwf"])
def test_the_grown_model_is_a_model_like_others(how, rng, tmp_path):
    model, x = trained(rng=rng)
    grown = add_task(model, NEW, how=how, seed=1)
    assert type(grown) is MultiTaskModel and [task.name for task in grown.tasks] == ["a", "b", "c"]
    assert dict(grown.alphas) == {"a": 0.25, "b": 2.0, "c": 0.5}
    y, weights = labels_of_new_task(grown.tasks, x, rng)
    grown.fit(x, y, sample_weight=weights, verbose=0)
    grown.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = (one.predict(x, verbose=0) for one in (grown, loaded))
    for name, output in ours.items():
        np.testing.assert_array_equal(theirs[name], output)
    assert [v.path for v in loaded.trainable_variables] == [v.path for v in grown.trainable_variables]
    logs = [one.fit(x, y, sample_weight=weights, epochs=2, verbose=0).history for one in (grown, loaded)]
    for key, values in logs[0].items():  # Old tasks have no labels, and so no loss: NaN.
        np.testing.assert_array_equal(logs[1][key], values, err_msg=key)
    served = tf.saved_model.load(export_saved_model(grown, tmp_path / "export")).signatures["c"](tf.constant(x))
    np.testing.assert_allclose(served["c"], grown.predict(x, verbose=0)["c"], atol=1e-6)
    assert grown.builder is None
    with pytest.raises(ValueError, match="must be made by a builder"):
        mtlzoo.architectures.rebuild(grown)
    again = add_task(loaded, Task.binary("d"), how=how)
    assert distance(loaded.predict(x, verbose=0), {name: again.predict(x, verbose=0)[name] for name in "abc"}) == 0


def test_learning_without_forgetting_drifts_less_than_fine_tuning(rng):
    model, x = trained(rng=rng, trunk=trunks.mlp((16, 8)))
    before, drift, losses = model.predict(x, verbose=0), {}, {}
    for name, coefficient in (("lwf", 2.0), ("fine-tuning", 0)):
        grown = add_task(model, NEW, how="lwf", coefficient=coefficient, optimizer=keras.optimizers.Adam(0.01), seed=1)
        y, weights = labels_of_new_task(grown.tasks, x, np.random.default_rng(1))
        losses[name] = grown.fit(x, y, sample_weight=weights, epochs=20, verbose=0).history["c_loss"]
        after = grown.predict(x, verbose=0)
        drift[name] = {task: np.abs(before[task] - after[task]).mean() for task in before}
    for task in before:
        assert 0 < drift["lwf"][task] < 0.5 * drift["fine-tuning"][task]
    assert all(values[-1] < 0.9 * values[0] for values in losses.values())


def test_the_distillation_is_an_added_loss_of_its_coefficient(rng):
    model, x = trained(rng=rng, trunk=trunks.mlp((16, 8)))
    for coefficient in (0.5, 1.0, 0):
        grown = add_task(model, NEW, how="lwf", coefficient=coefficient)
        layer = next((layer for layer in grown.layers if layer.name == "distillation"), None)
        assert (layer is None) == (coefficient == 0)
        grown(x, training=True)
        assert len(grown.losses) == (coefficient > 0) and all(abs(float(loss)) < 1e-5 for loss in grown.losses)
        kernel = grown.get_layer("dense1_dense").kernel
        kernel.assign(kernel + 0.3)
        grown(x, training=True)
        found = [float(loss) for loss in grown.losses]
        if coefficient == 0.5:
            half = found[0]
        elif coefficient == 1.0:
            assert found[0] == pytest.approx(2 * half, rel=1e-4) and half > 1e-4


def test_heads_stay_the_tasks_own_behind_a_distillation(rng, tmp_path):
    grown = add_task(trained(rng=rng)[0], NEW, how="lwf")
    sharing = Sharing(grown)
    own = [{grown.trainable_variables[index].path.split("/")[0] for index in indices} for indices in sharing.own]
    assert own == [{"a"}, {"b"}, {"c"}]
    assert load_task(grown, save_task(grown, "a", tmp_path / "a.npz")) == "a"
    with pytest.raises(ValueError, match="reads the inputs beside the shared representation"):
        grown.compile(balancer=mtlzoo.balancing.MGDA(at="representation"))


@pytest.mark.slow
def test_mixed_precision_and_a_balancer(rng):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, x = trained(rng=rng)
        grown = add_task(model, NEW, how="adapters")
        lwf = add_task(model, NEW, how="lwf", balancer="uncertainty_weighting")
    finally:
        keras.config.set_dtype_policy("float32")
    before = model.predict(x, verbose=0)
    for one in (grown, lwf):
        y, weights = labels_of_new_task(one.tasks, x, rng)
        assert np.isfinite(one.fit(x, y, sample_weight=weights, verbose=0).history["loss"][0])
        assert {output.dtype for output in one.predict(x, verbose=0).values()} == {np.dtype("float32")}
    for name, output in before.items():
        np.testing.assert_array_equal(grown.predict(x, verbose=0)[name], output)


@pytest.mark.slow
def test_several_inputs(rng):
    inputs = {"left": (3,), "right": (2,)}
    join = keras.layers.Concatenate()
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    joined = keras.layers.Dense(4, activation="relu", name="joined")(join([left, right]))
    trunk = trunks.Trunk({"join": keras.Model({"left": left, "right": right}, joined)})
    model = mtlzoo.architectures.hard_sharing(inputs, OLD, trunk=trunk, seed=0)
    x = {"left": rng.normal(size=(8, 3)), "right": rng.normal(size=(8, 2))}
    for how in ("head", "lwf"):
        grown = add_task(model, NEW, how=how)
        y, weights = labels_of_new_task(grown.tasks, x["left"], rng)
        grown.fit(x, y, sample_weight=weights, verbose=0)
        if how == "head":
            assert distance(model.predict(x, verbose=0), {name: grown.predict(x, verbose=0)[name] for name in "ab"}) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"how": "heads"}, ValueError, "Did you mean 'head'"),
        ({"task": Task.binary("a")}, ValueError, "'a' is taken"),
        ({"task": Task.binary("dense1_dense")}, ValueError, "'dense1_dense' is taken"),
        ({"task": "c"}, TypeError, "mtlzoo.Task"),
        ({"model": keras.Sequential()}, TypeError, "MultiTaskModel"),
        ({"size": 3}, ValueError, "`size` is an option of how='adapters'"),
        ({"how": "adapters", "temperature": 3.0}, ValueError, "`temperature` is an option of how='lwf'"),
        ({"features": "dense2_dens"}, ValueError, "Did you mean 'dense2_dense'"),
        ({"how": "adapters", "after": ["dense2_dens"]}, ValueError, "Did you mean 'dense2_dense'"),
        ({"how": "adapters", "after": ["a"]}, ValueError, "layers on the way to the features"),
        ({"how": "adapters", "after": "dense1_dense"}, TypeError, "a sequence of layer names"),
        ({"how": "adapters", "size": 0}, ValueError, "`size`"),
        ({"how": "lwf", "coefficient": -1.0}, ValueError, "`coefficient`"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    model = mtlzoo.architectures.hard_sharing((5,), OLD, trunk=trunks.mlp((4, 6)), seed=0)
    with pytest.raises(error, match=message):
        add_task(**{"model": model, "task": NEW, **arguments})
