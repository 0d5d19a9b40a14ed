"""Small tasks, batches and counters that several tests use."""

import keras
import numpy as np
import tensorflow as tf

from mtlzoo import Task


def kinds_of_task():
    """One task of every kind."""
    return [
        Task.multiclass("colour", 3),
        Task.binary("click"),
        Task.multilabel("tags", 4),
        Task.regression("price", alpha=0.5),
        Task.regression("corner", 2, loss="huber"),
    ]


def labels_for(tasks, rows, rng):
    """Random labels of the right form for tasks."""
    made = {}
    for task in tasks:
        shape = (rows, *task.label_shape)
        if task.kind == "multiclass":
            made[task.name] = rng.integers(0, task.units, shape).astype("int32")
        elif task.kind in ("binary", "multilabel"):
            made[task.name] = rng.integers(0, 2, shape).astype("float32")
        else:
            made[task.name] = rng.normal(size=shape).astype("float32")
    return made


def ones_for(tasks, rows):
    """Weights that say that every label is there."""
    return {task.name: np.ones((rows, *task.weight_shape), "float32") for task in tasks}


def count_calls(model, method="train_step"):
    """Counts how often a model's step is traced; returns the list that grows by one a trace."""
    calls, original = [], getattr(model, method)

    def counted(data):
        calls.append(1)
        return original(data)

    object.__setattr__(model, method, counted)
    return calls


def named_weights(model):
    """Weights by path, as arrays."""
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def same_weights(one, other, **tolerance):
    """Whether two models of the same layer names have equal weights."""
    one, other = named_weights(one), named_weights(other)
    return one.keys() == other.keys() and all(np.allclose(one[path], other[path], **tolerance) for path in one)


def assert_same_training(ours, theirs, x, y):
    """Two models, compiled anew, have the same history and give the same outputs."""
    for model in (ours, theirs):
        model.compile("sgd")
    logs, wanted = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (ours, theirs))
    for key, values in wanted.items():
        np.testing.assert_allclose(logs[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    for task, output in theirs.predict(x, verbose=0).items():
        np.testing.assert_allclose(ours.predict(x, verbose=0)[task], output, atol=1e-5)


def two_replicas():
    """A strategy over two logical CPUs; collectives of several strategies in one process get in each other's way."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice())
