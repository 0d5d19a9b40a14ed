"""How many steps `fit` hands to TensorFlow at a time: the Python between steps costs small models more than the steps."""

import contextlib
import math

import keras
import tensorflow as tf

MOST = 32


@contextlib.contextmanager
def bundled(model, arguments, chosen):
    """Sets `model.steps_per_execution` for one call of `fit` with these arguments, if it is to be chosen for the user."""
    before = model.steps_per_execution
    if chosen:
        model.steps_per_execution = steps_at_once(model, arguments)
    try:
        yield
    finally:
        model.steps_per_execution = before


def steps_at_once(model, arguments):
    """Returns the number of steps at a time that changes nothing for the user: 1 where something looks at every step.

    Args:
        model: a compiled model.
        arguments: those of `fit`, by name.
    """
    if model.run_eagerly or tf.config.functions_run_eagerly() or model.distribute_strategy.num_replicas_in_sync > 1:
        return 1
    callbacks = arguments.get("callbacks")
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    if any(looks_at_steps(callback) for callback in tf.nest.flatten(callbacks) if callback is not None):
        return 1
    counts = [count for count in (arguments.get("steps_per_epoch"), arguments.get("validation_steps")) if count]
    if counts:  # Keras would go beyond a number of steps that is no multiple.
        common = math.gcd(*counts)
        return max(size for size in range(1, MOST + 1) if common % size == 0)
    return _even(_steps(arguments))


def make_function(model, name, make, force, wrap=lambda function: function):
    """Sets `model.train_function` or `model.test_function` to one for the present number of steps at a time, each traced once."""
    key = (name, model.steps_per_execution)
    if force or key not in model._functions:
        make(force=True)
        _mute_retracing(getattr(model, name))
        model._functions[key] = wrap(getattr(model, name))
    setattr(model, name, model._functions[key])


def _mute_retracing(function):
    """Stops TensorFlow's warning of frequent retracing, which counts the models of a search or a comparison as one function."""
    for cell in getattr(function, "__closure__", None) or ():
        if isinstance(cell.cell_contents, tf.types.experimental.PolymorphicFunction):
            cell.cell_contents._omit_frequent_tracing_warning = True


def looks_at_steps(callback):
    """Says whether a callback does something at every step, and not at epochs only."""
    if isinstance(callback, (keras.callbacks.ModelCheckpoint, keras.callbacks.BackupAndRestore)):
        return callback.save_freq != "epoch"
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq != "epoch" or callback._stop_batch > 0
    if getattr(callback, "takes_several_steps", False):
        return False
    methods = (callback.on_train_batch_begin, callback.on_train_batch_end, callback.on_batch_begin, callback.on_batch_end)
    return any(not getattr(method, "_is_default", False) for method in methods)


def _steps(arguments):
    """The number of steps an epoch, or None where it is not known beforehand."""
    x = arguments.get("x")
    if isinstance(x, tf.data.Dataset):
        count = int(x.cardinality())
        return count if count > 0 else None
    if isinstance(x, keras.utils.PyDataset):
        return x.num_batches
    sizes = [len(part) for part in tf.nest.flatten(x) if hasattr(part, "shape") and len(part.shape) > 0]
    return -(-sizes[0] // (arguments.get("batch_size") or 32)) if sizes else None


def _even(steps):
    """At most 32, so that the last of equal parts of an epoch is nearly full."""
    return MOST if steps is None else -(-steps // -(-steps // MOST))
