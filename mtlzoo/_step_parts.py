"""What a training step is made of: checks, sums over replicas, the way back from a step left out."""

import functools
import re
from collections.abc import Mapping

import keras
import tensorflow as tf

from mtlzoo import checks

_MARK = "non-finite loss of task"


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


def replica_sum(share):
    """Returns the sum over replicas that each hold this share."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return share * replicas if replicas > 1 else share


def finite(losses, tasks):
    """Returns one check a task that fails with its name where its loss is not finite."""
    return [tf.debugging.check_numerics(value, f"{_MARK} `{task.name}`") for value, task in zip(tf.unstack(losses), tasks, strict=True)]


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
            found = re.search(rf"{_MARK} `(\w+)`", error.message)
            if found is None:
                raise
            raise ValueError(
                f"the loss of task `{found[1]}` is not finite (NaN or infinity); training stopped before this step touched a weight. "
                "Look at its labels, inputs and learning rate, or leave such steps out with compile(on_nonfinite='skip')."
            ) from None

    return step


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
