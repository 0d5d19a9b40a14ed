"""Small models, batches and readings that the tests of expert networks use."""

import numpy as np
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0)]


def build(name, inputs=(5,), tasks=TASKS, **arguments):
    return mtlzoo.architectures.get(name)(inputs, tasks, **{"trunk": trunks.mlp((4, 6)), "seed": 0, **arguments})


def data(rng, shape=(5,), rows=48, tasks=TASKS):
    return rng.normal(size=(rows, *shape)).astype("float32"), helpers.labels_for(tasks, rows, rng)


def same_training(one, other, x, y):
    """Checks that two models have the same history and then give the same outputs."""
    for model in (one, other):
        model.compile("sgd")
    ours, theirs = (model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history for model in (one, other))
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, atol=1e-6, err_msg=key)
    same_outputs(one, other, x, atol=1e-5)


def same_outputs(one, other, x, atol=1e-6):
    for task, output in other.predict(x, verbose=0).items():
        np.testing.assert_allclose(one.predict(x, verbose=0)[task], output, atol=atol)


def gradients(model, x, task):
    """The gradient of the sum of a task's squared outputs, by path of the variable; zeros where there is none."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(x, training=True)[task]))
    found = tape.gradient(loss, [variable.value for variable in model.trainable_variables], unconnected_gradients="zero")
    return {variable.path: gradient.numpy() for variable, gradient in zip(model.trainable_variables, found, strict=True)}


def blocks_reached(model, x, tasks=TASKS):
    """For each variable of layers whose slices are the tasks' own: which blocks of axis 0 the gradient of each task reaches."""
    sliced = [layer.name for layer in model.layers if getattr(layer, "slices", None) == "tasks"]
    found = {}
    for index, task in enumerate(tasks):
        for path, gradient in gradients(model, x, task.name).items():
            if path.split("/")[0] in sliced:
                blocks = np.split(gradient, len(tasks))
                found.setdefault(path.split("/")[0], {})[index] = {place for place, block in enumerate(blocks) if np.any(block)}
    return found
