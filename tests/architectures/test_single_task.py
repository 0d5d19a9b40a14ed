"""The single-task baseline equals models trained apart."""

import numpy as np

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3), Task.regression("b", alpha=0.25)]


def build(tasks):
    return mtlzoo.architectures.single_task((5,), tasks, trunk=trunks.mlp((4,), dropout=0.2), tower=(3,), seed=0)


def test_equals_models_trained_apart_with_the_same_seed(rng):
    x, y = rng.normal(size=(64, 5)).astype("float32"), helpers.labels_for(TASKS, 64, rng)
    together = build(TASKS)
    logs = together.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    weights = helpers.named_weights(together)
    for task in TASKS:
        apart = build([task])
        apart_logs = apart.fit(x, {task.name: y[task.name]}, batch_size=16, epochs=3, shuffle=False, verbose=0).history
        for path, value in helpers.named_weights(apart).items():
            np.testing.assert_allclose(weights[path], value, atol=1e-5, err_msg=path)
        np.testing.assert_allclose(logs[f"{task.name}_loss"], apart_logs[f"{task.name}_loss"], rtol=1e-4)


def test_parameters_by_formula():
    assert build(TASKS).count_params() == 2 * (5 * 4 + 4 + 4 * 3 + 3) + (3 * 3 + 3) + (3 + 1)
