"""Export: a trained model as a SavedModel or LiteRT file that runs without mtlzoo, outputs named by task."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from mtlzoo import _sharing, checks, files
from mtlzoo.data import TableEncoder
from mtlzoo.layers import TableEmbedding
from mtlzoo.model import MultiTaskModel

# Attributes of the saved object that a signature of the same name would replace.
_TAKEN = ("serve", "serving_default", "signatures", "variables", "trainable_variables", "non_trainable_variables")


def export_saved_model(model: MultiTaskModel, path: str | os.PathLike, *, encoder=None, overwrite: bool = False) -> Path:
    """Writes a SavedModel with one named output a task, and one signature more for each task alone.

    The signatures `serving_default` and `serve` take a batch of any size and return `{task: [batch, units]}`. The
    signature named like a task takes the inputs that this task needs and computes its part of the network only. With an encoder
    the inputs are the raw columns of a table, [batch] each: text for categories, float32 for numbers, by column name (in signatures
    with `_` for what is no letter, digit, `_` or `.`).

    Args:
        model: the model.
        path: the folder to write, such as `export/1`.
        encoder: None, or the `mtlzoo.data.TableEncoder` that made the model's inputs, which is exported with it.
        overwrite: whether a SavedModel that is there may be replaced.

    Returns:
        The path. The folder is whole or not there: it is written aside and renamed.

    Raises:
        ValueError: the path exists; with `overwrite=True`: it holds something else than a SavedModel; or a task's name
            is one that a SavedModel needs for itself, such as `serve`; or the model does not read what the encoder gives.
        TypeError: `model` is no `MultiTaskModel`, or `encoder` no `TableEncoder`.

    Source: `keras.export.ExportArchive`; the names are those of TensorFlow Serving.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> model = hard_sharing((3,), [Task.binary("a"), Task.regression("b")], seed=0)
    >>> path = export_saved_model(model, Path(tempfile.mkdtemp()) / "1")
    >>> served = tf.saved_model.load(path).signatures["b"](tf.ones((5, 3)))
    >>> {name: tuple(output.shape) for name, output in served.items()}
    {'b': (5, 1)}
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    for task in model.tasks:
        if task.name in _TAKEN:
            raise ValueError(f"`tasks` must not be named {', '.join(map(repr, _TAKEN))} in a SavedModel; received {task.name!r}.")
    if encoder is not None:
        _check_encoder(model, encoder)
    path = files.free_path("path", path, overwrite, kind="a SavedModel", is_kind=_is_saved_model)
    with files.aside(path) as folder:
        _write_saved_model(model, folder, [task.name for task in model.tasks], encoder)
    return path


def export_litert(model: MultiTaskModel, path: str | os.PathLike, *, overwrite: bool = False) -> Path:
    """Writes a LiteRT (`.tflite`) file whose signature takes a batch of any size and returns one named output a task.

    Read it with `interpreter.get_signature_runner()`, which returns `{task: array}`. It computes in float32 even where
    the model computes in mixed precision: LiteRT has few operations in float16.

    Args:
        model: the model.
        path: the file to write, ending in `.tflite`.
        overwrite: whether a file that is there may be replaced.

    Returns:
        The path. The file is whole or not there: it is written aside and renamed.

    Raises:
        ValueError: the file exists, its name does not end in `.tflite`, or the model has operations that LiteRT lacks
            (Keras' own `model.export(path, format="litert")` keeps those as TensorFlow operations).
        TypeError: `model` is no `MultiTaskModel`.

    Source: TensorFlow's converter from SavedModel to LiteRT.

    >>> from mtlzoo import Task
    >>> from mtlzoo.architectures import hard_sharing
    >>> model = hard_sharing((3,), [Task.binary("a"), Task.regression("b")], seed=0)
    >>> export_litert(model, Path(tempfile.mkdtemp()) / "model.tflite").name
    'model.tflite'
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    path = files.free_path("path", path, overwrite)
    if path.suffix != ".tflite":
        raise ValueError(f"`path` must end in '.tflite'; received {str(path)!r}.")
    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(_in_float32(model), folder, [])
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        try:
            content = converter.convert()
        except Exception as error:  # The converter's own error has no public name.
            raise ValueError(f"`model` must have only operations that LiteRT has; the converter says: {error}") from error
    return files.write(path, content)


def _write_saved_model(model, folder, tasks, encoder=None):
    archive = keras.export.ExportArchive()
    archive.track(model)
    if encoder is not None:
        archive.track(encoder.space)
    _add(archive, "serve", model, model.input, encoder)
    for name in tasks:
        inputs = _sharing.needed_inputs(model, [model.output[name]])
        _add(archive, name, keras.Model(inputs, {name: model.output[name]}), inputs, encoder)
    archive.write_out(str(folder), verbose=False)


def _check_encoder(model, encoder):
    """Raises unless the model reads what the encoder gives."""
    checks.instance("encoder", encoder, TableEncoder, "a mtlzoo.data.TableEncoder")
    given = {key: shape[0] for key, shape in encoder.inputs.items()}
    read = {key: tensor.shape[1] for key, tensor in model.input.items()} if isinstance(model.input, Mapping) else model.input.shape
    if given != read:
        raise ValueError(f"`encoder` must give what the model reads, inputs of {read} columns; received one that gives {given}.")
    for layer in model._flatten_layers():
        # A layer of fewer columns reads a part of them, of which it is not known which.
        if isinstance(layer, TableEmbedding) and len(layer.sizes) == len(encoder.sizes) and layer.sizes != encoder.sizes:
            unlike = next(place for place, size in enumerate(encoder.sizes) if size != layer.sizes[place])
            raise ValueError(
                f"`encoder` must be the one that the model was made for, whose column {unlike + 1} of the categories has "
                f"{layer.sizes[unlike]} ids; received one with {encoder.sizes[unlike]} ids for {encoder.categories[unlike]!r}."
            )


def _in_float32(model):
    """Returns the model, or if it computes in mixed precision a copy with the same weights that does not."""
    plain = keras.Model(model.input, model.output)
    configs = [layer.get_config() for layer in plain.layers]
    if all(_without_mixed(config) == config for config in configs):
        return plain
    copy = keras.models.clone_model(plain, clone_function=lambda layer: type(layer).from_config(_without_mixed(layer.get_config())))
    copy.set_weights(plain.get_weights())
    return copy


def _without_mixed(config):
    """Returns a layer's configuration with float32 for every mixed dtype policy, nested layers' too."""
    if isinstance(config, Mapping):
        return {key: _without_mixed(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_mixed(value) for value in config)
    return "float32" if isinstance(config, str) and config in ("mixed_float16", "mixed_bfloat16") else config


def _add(archive, name, model, inputs, encoder=None):
    def endpoint(x):
        if encoder is not None:
            encoded = encoder(x)
            x = {key: encoded[key] for key in inputs}
        return dict(model(x, training=False))

    archive.add_endpoint(name, endpoint, input_signature=[_specs(inputs) if encoder is None else encoder.specs()])


def _specs(inputs):
    """Returns inputs as specs, named by their keys, the batch of any size."""
    if isinstance(inputs, Mapping):
        return {key: _spec(tensor, key) for key, tensor in inputs.items()}
    return keras.tree.map_structure(lambda tensor: _spec(tensor, tensor.name), inputs)


def _spec(tensor, name):
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=name)


def _is_saved_model(path):
    return path.is_dir() and (not any(path.iterdir()) or (path / "saved_model.pb").is_file())
