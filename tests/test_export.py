"""Export: what is served elsewhere is what the model predicts, by task name, for any batch."""

import os
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, architectures, trunks
from mtlzoo.data import TableEncoder, from_table
from mtlzoo.export import export_litert, export_saved_model

TASKS = [Task.multiclass("digit", 3), Task.binary("even"), Task.regression("price", units=2)]
NAMES = [task.name for task in TASKS]
SIZES = {"digit": 3, "even": 1, "price": 2}

SERVE = """
import sys
sys.modules["mtlzoo"] = None
import numpy as np, tensorflow as tf
path, data, out = sys.argv[1:]
found, served = np.load(data), {}
signatures = tf.saved_model.load(path).signatures
for size in (1, 7):
    inputs = {key: tf.constant(found[key][:size]) for key in found.files}
    for name, signature in signatures.items():
        wanted = signature.structured_input_signature[1]
        for task, value in signature(**{key: inputs[key] for key in wanted}).items():
            served[f"{name}/{'+'.join(sorted(wanted))}/{task}/{size}"] = value.numpy()
np.savez(out, **served)
"""


def rows(seed=0):
    return np.random.default_rng(seed).normal(size=(7, 4)).astype("float32")


def small(inputs=(4,), **changes):
    return architectures.hard_sharing(inputs, TASKS, **{"trunk": trunks.mlp((8,)), "seed": 0, **changes})


def served_elsewhere(path, inputs, folder):
    """Serves a SavedModel in a fresh process, in another folder, where mtlzoo cannot be imported."""
    np.savez(folder / "in.npz", **inputs)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(
        [sys.executable, "-c", SERVE, str(path), "in.npz", "out.npz"], cwd=folder, env=environment, check=True, capture_output=True
    )
    with np.load(folder / "out.npz") as found:
        return dict(found)


def run_litert(path, inputs):
    with warnings.catch_warnings():
        # Still there in plain TensorFlow; its successor is a package of its own.
        warnings.simplefilter("ignore", UserWarning)
        runner = tf.lite.Interpreter(str(path)).get_signature_runner()
        return runner(**inputs)


@pytest.fixture(scope="module")
def model():
    trained = small(trunk=trunks.mlp((8,), batch_norm=True, dropout=0.2), tower=(4,), balancer="uncertainty_weighting")
    y = {"digit": np.arange(7) % 3, "even": np.arange(7) % 2, "price": rows(1)[:, :2]}
    trained.fit(rows(), y, epochs=2, verbose=0)
    return trained


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    return export_saved_model(model, tmp_path_factory.mktemp("export") / "new" / "1")


def test_a_process_without_mtlzoo_serves_batches_of_1_and_7(model, saved, tmp_path):
    served = served_elsewhere(saved, {"input": rows()}, tmp_path)
    expected = model.predict(rows(), verbose=0)
    names = {(signature, task) for signature in ("serve", "serving_default") for task in NAMES} | {(task, task) for task in NAMES}
    assert set(served) == {f"{signature}/input/{task}/{size}" for signature, task in names for size in (1, 7)}
    for key, value in served.items():
        task, size = key.split("/")[2:]
        assert value.dtype == "float32" and value.shape == (int(size), SIZES[task])
        np.testing.assert_allclose(value, expected[task][: int(size)], atol=1e-6)


def test_with_one_input_a_task_its_signature_takes_its_input_only(tmp_path):
    model = small(dict.fromkeys(NAMES, (4,)))
    inputs = {f"{name}_input": rows(seed) for seed, name in enumerate(NAMES)}
    path = export_saved_model(model, tmp_path / "export")
    served, expected = served_elsewhere(path, inputs, tmp_path), model.predict(inputs, verbose=0)
    for name in NAMES:
        np.testing.assert_allclose(served[f"{name}/{name}_input/{name}/7"], expected[name], atol=1e-6)
        np.testing.assert_allclose(served[f"serving_default/{'+'.join(sorted(inputs))}/{name}/7"], expected[name], atol=1e-6)
    found = run_litert(export_litert(model, tmp_path / "model.tflite"), inputs)
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_the_signature_of_a_task_computes_its_part_of_the_network_only(tmp_path):
    model = architectures.single_task((4,), TASKS, trunk=trunks.mlp((8,)), seed=0)
    signatures = tf.saved_model.load(str(export_saved_model(model, tmp_path / "1"))).signatures
    used = {name: len(signature.captured_inputs) for name, signature in signatures.items()}
    assert used == {"serve": 12, "serving_default": 12} | dict.fromkeys(NAMES, 4)


def test_mixed_precision_takes_and_gives_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in model.layers} == {"float16", "float32"}
    signatures = tf.saved_model.load(str(export_saved_model(model, tmp_path / "1"))).signatures
    expected, served = model.predict(rows(), verbose=0), signatures["serving_default"](tf.constant(rows()))
    exact = small()
    exact.set_weights(model.get_weights())
    found = run_litert(export_litert(model, tmp_path / "model.tflite"), {"input": rows()})
    for name in NAMES:
        assert served[name].dtype == tf.float32 and found[name].dtype == np.float32
        np.testing.assert_allclose(served[name], expected[name], atol=1e-3)
        np.testing.assert_allclose(found[name], exact.predict(rows(), verbose=0)[name], atol=1e-5)


def test_litert_gives_what_the_model_predicts_by_task_name_for_any_batch(model, tmp_path):
    path = export_litert(model, tmp_path / "model.tflite")
    expected = model.predict(rows(), verbose=0)
    for size in (1, 7):
        found = run_litert(path, {"input": rows()[:size]})
        assert set(found) == set(NAMES)
        for name in NAMES:
            np.testing.assert_allclose(found[name], expected[name][:size], atol=1e-5)


def test_images_in_a_nested_trunk_under_mixed_precision_reach_litert(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.MaxPooling2D(), keras.layers.Flatten()]
        model = small((8, 8, 1), trunk=keras.Sequential([keras.Input((8, 8, 1)), *layers]))
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")
    found, expected = run_litert(export_litert(model, tmp_path / "model.tflite"), {"input": x}), model.predict(x, verbose=0)
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], atol=0.05)


def test_a_model_read_from_its_file_exports_the_same(model, saved, tmp_path):
    model.save(tmp_path / "model.keras")
    again = export_saved_model(keras.models.load_model(tmp_path / "model.keras"), tmp_path / "1")
    one, other = (tf.saved_model.load(str(path)).signatures["serving_default"](tf.constant(rows())) for path in (saved, again))
    for name in NAMES:
        np.testing.assert_array_equal(one[name], other[name])


def test_keras_own_export_names_the_outputs_too(model, tmp_path):
    model.export(str(tmp_path / "keras"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "keras")).signatures["serving_default"](tf.constant(rows()))
    expected = model.predict(rows(), verbose=0)
    assert set(served) == set(NAMES)
    for name in NAMES:
        np.testing.assert_allclose(served[name], expected[name], atol=1e-6)


def test_what_is_there_stays_unless_overwriting_and_then_goes_in_one_step(model, tmp_path):
    folder, file = tmp_path / "1", tmp_path / "model.tflite"
    for export, path in ((export_saved_model, folder), (export_litert, file)):
        export(model, path)
        with pytest.raises(ValueError, match="overwrite=True"):
            export(model, path)
        assert export(model, path, overwrite=True) == path
    assert sorted(found.name for found in tmp_path.iterdir()) == ["1", "model.tflite"]


def test_overwriting_never_removes_what_is_no_export(model, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="stays as it is"):
        export_saved_model(model, tmp_path / "home", overwrite=True)
    with pytest.raises(ValueError, match="stays as it is"):
        export_litert(model, tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_an_interrupted_export_leaves_the_old_one_and_nothing_half_written(model, tmp_path, monkeypatch):
    path = export_saved_model(model, tmp_path / "1")
    before = (path / "saved_model.pb").read_bytes()

    def interrupted(self, folder, **options):
        os.makedirs(folder, exist_ok=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(type(keras.export.ExportArchive()), "write_out", interrupted)
    for target, options in ((path, {"overwrite": True}), (tmp_path / "2", {})):
        with pytest.raises(KeyboardInterrupt):
            export_saved_model(model, target, **options)
    with pytest.raises(KeyboardInterrupt):
        export_litert(model, tmp_path / "model.tflite")
    assert [found.name for found in tmp_path.iterdir()] == ["1"]
    assert (path / "saved_model.pb").read_bytes() == before


def test_bad_arguments_are_named(model, tmp_path):
    with pytest.raises(ValueError, match="must end in '.tflite'"):
        export_litert(model, tmp_path / "model")
    with pytest.raises(TypeError, match="`model` must be a mtlzoo.MultiTaskModel"):
        export_saved_model(keras.Sequential(), tmp_path / "1")
    with pytest.raises(TypeError, match="`path` must be a path"):
        export_saved_model(model, None)
    taken = architectures.hard_sharing((4,), [Task.binary("serve")], trunk=trunks.mlp((2,)))
    with pytest.raises(ValueError, match="received 'serve'"):
        export_saved_model(taken, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_a_table_s_encoder_goes_with_the_model(tmp_path):
    table = {"home city": ["Rome", "Oslo", None, "Rome", "Oslo"] * 4, "age": list(range(19)) + [None], "rich": [0, 1] * 10}
    splits = from_table(table, [Task.binary("rich")], verbose=False)
    encoder = splits.encoder
    model = architectures.mmoe(splits.inputs, [*splits.tasks, Task.regression("wage")], trunk=trunks.tabular(encoder.sizes), seed=0)
    path = export_saved_model(model, tmp_path / "1", encoder=encoder)
    new = {"home city": ["Oslo", "Paris", None, "Rome", "Rome", "", "Oslo"], "age": [1.0, None, 3, 4, 5, 600, -1]}
    raw = encoder.raw(new)
    arrays = {"home_city": raw["home city"].astype("U"), "age": raw["age"]}
    found, wanted = served_elsewhere(path, arrays, tmp_path), model.predict(encoder.encode(new), verbose=0)
    for size in (1, 7):
        for task in ("rich", "wage"):
            np.testing.assert_allclose(found[f"serving_default/age+home_city/{task}/{size}"], wanted[task][:size], atol=1e-6)
            np.testing.assert_allclose(found[f"{task}/age+home_city/{task}/{size}"], wanted[task][:size], atol=1e-6)


def test_an_encoder_must_be_the_model_s_own(tmp_path):
    encoder = TableEncoder.fit({"city": ["Rome", "Oslo"], "age": [1.0, 2.0]})
    with pytest.raises(ValueError, match="`encoder` must give what the model reads"):
        export_saved_model(small(), tmp_path / "1", encoder=encoder)
    with pytest.raises(TypeError, match="`encoder` must be a mtlzoo.data.TableEncoder"):
        export_saved_model(small(), tmp_path / "1", encoder="encoder.keras")
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize("builder", ["hard_sharing", "single_task", "cross_stitch", "stem"])
def test_an_encoder_of_as_many_columns_may_be_another_model_s(builder, tmp_path):
    own = TableEncoder.fit({"city": ["Rome", "Oslo", "Oslo"], "street": ["a", "b", "a"], "age": [1.0, 2.0, 3.0]})
    other = TableEncoder.fit({"city": ["Rome", "Oslo", "Oslo"], "street": ["a", "b", "c"], "age": [1.0, 2.0, 3.0]})
    trunk = trunks.tabular(own.sizes, units=(4,))
    model = architectures.get(builder)(own.inputs, [Task.binary("a"), Task.binary("b")], trunk=trunk, seed=0)
    with pytest.raises(ValueError, match="whose column 2 of the categories has 3 ids; received one with 4 ids for 'street'"):
        export_saved_model(model, tmp_path / "1", encoder=other)
    assert export_saved_model(model, tmp_path / "1", encoder=own).is_dir()
