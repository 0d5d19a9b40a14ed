"""What a training step is made of: checks, sums over replicas, the way back from a step left out."""

import functools
import re
from collections.abc import Mapping

import keras
import tensorflow as tf

from mtlzoo import checks

_MARK = "non-finite loss of task"
_GRADIENTS = "non-finite gradients"
_WEIGHTS = "non-finite weights"


def check_outputs(outputs, tasks):
    """Checks that outputs and tasks have the same names and widths."""
    names = [task.name for task in tasks]
    checks.instance("outputs", outputs, Mapping, "a dict of task name to tensor")
    checks.exact_keys("outputs", outputs, names)
    for task in tasks:
        if tuple(outputs[task.name].shape[1:]) != (task.units,):
            raise ValueError(f"`outputs[{task.name!r}]` must be [batch, {task.units}]; received the shape {outputs[task.name].shape}.")


def rows(x):
    """Returns the number of rows of a batch."""
    return tf.shape(tf.nest.flatten(x)[0])[0]


def finite(step, tasks, optimizer, balancer=None):
    """Returns checks that fail with a task's name where its loss is not finite, with the balancer's for weights, or for gradients."""
    checked = [
        tf.debugging.check_numerics(value, f"{_MARK} `{task.name}`") for value, task in zip(tf.unstack(step.losses), tasks, strict=True)
    ]
    if step.weights is not None:
        said = [f"{_WEIGHTS} of `{balancer.name}`"]
        said += [] if balancer.residual is None else ["residual", tf.identity(balancer.residual)]
        with tf.control_dependencies(checked):  # A loss that is not finite is the cause, and is named first.
            solved = tf.reduce_all(tf.math.is_finite(step.weights))
        checked = [*checked, tf.debugging.Assert(solved, said)]
    with tf.control_dependencies(checked):
        probe = tf.identity(_probe(step.gradients, optimizer))
    return [*checked, tf.debugging.check_numerics(probe, _GRADIENTS)]


def all_finite(step, optimizer):
    """Says whether losses and gradients are finite."""
    return tf.reduce_all(tf.math.is_finite(step.losses)) & tf.math.is_finite(_probe(step.gradients, optimizer))


def _probe(gradients, optimizer):
    """Finite if all gradients are (and below 1e19); an optimizer that scales losses looks after overflows by itself."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.zeros(())
    flat = tf.nest.flatten([gradient for gradient in gradients if gradient is not None], expand_composites=True)
    return tf.add_n([tf.cast(tf.nn.l2_loss(part), "float32") for part in flat if part.dtype.is_floating])


def restore(variables, values):
    """Sets variables back to values they had."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return False


def naming_nonfinite(function):
    """Wraps a compiled step so that a failed check is a `ValueError` with the task's name."""

    @functools.wraps(function)
    def step(iterator):
        try:
            return function(iterator)
        except tf.errors.InvalidArgumentError as error:
            if _GRADIENTS in error.message:
                raise ValueError(
                    "the gradients are not finite though the losses are; training stopped before this step touched a weight. "
                    "Look for NaN or infinite values in the inputs."
                ) from None
            found = re.search(rf"{_WEIGHTS} of `([^`]+)`(?:\W+residual\W+([-\w.+]+))?", error.message)
            if found is not None:
                residual = f" (residual of its problem {found[2]})" if found[2] else ""
                raise ValueError(
                    f"`balancer` {found[1]!r} gave weights that are not finite{residual}; training stopped before this step touched a "
                    "weight. Look at the task losses and gradients, or leave such steps out with compile(on_nonfinite='skip')."
                ) from None
            found = re.search(rf"{_MARK} `(\w+)`", error.message)
            if found is None:
                raise
            raise ValueError(
                f"the loss of task `{found[1]}` is not finite (NaN or infinity); training stopped before this step touched a weight. "
                "Look at its labels, inputs and learning rate, or leave such steps out with compile(on_nonfinite='skip')."
            ) from None

    return step


def check_order(callbacks, model):
    """Raises `ValueError` where a callback of `fit` needs what one behind it adds to the logs: it would never see it.

    Args:
        callbacks: those of `fit`; one that adds to the logs of an epoch has `added_logs(model)`, a sequence of keys, and one that writes
            all that is in them has `writes_logs`.
        model: the model.
    """
    listed = callbacks.callbacks if isinstance(callbacks, keras.callbacks.CallbackList) else tf.nest.flatten(callbacks)
    for place, adding in enumerate(listed):
        keys = adding.added_logs(model) if hasattr(adding, "added_logs") else ()
        for early in listed[:place]:
            monitored = getattr(early, "monitor", None)
            if monitored in keys or (keys and getattr(early, "writes_logs", False)):
                name, need = type(adding).__name__, f"monitors {monitored!r}" if monitored in keys else "writes the logs"
                raise ValueError(
                    f"`callbacks` must list {name} in front of {type(early).__name__}, which {need}, since {name} adds to the logs; "
                    f"received {[type(callback).__name__ for callback in listed]}."
                )


def with_epochs(callbacks, balancer):
    """Returns callbacks of `fit` with one more, which tells a balancer when epochs begin and end."""
    teller = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: balancer.start_epoch(epoch), on_epoch_end=lambda epoch, logs: balancer.end_epoch()
    )
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(teller)
        return callbacks
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [*(callback for callback in given if callback is not None), teller]
