"""One-gate mixtures of experts; what they have in common with MMoE is tested there."""

import numpy as np

import mtlzoo
from mtlzoo import Task, trunks
from tests import helpers

TASKS = [Task.multiclass("a", 3), Task.regression("b", alpha=0.5)]


def build(name, **arguments):
    return getattr(mtlzoo.architectures, name)((5,), TASKS, **{"trunk": trunks.mlp((4, 6)), "experts": 3, "seed": 0, **arguments})


def test_is_mmoe_with_equal_gates(rng):
    one, many = build("omoe"), build("mmoe")
    (gate,) = one.get_layer("gates").copy_weights(0)
    for task in TASKS:
        many.get_layer("gates").set_copy_weights(task.name, [gate])
    x = rng.normal(size=(7, 5)).astype("float32")
    for task, output in one.predict(x, verbose=0).items():
        np.testing.assert_allclose(many.predict(x, verbose=0)[task], output, atol=1e-6)
    assert one.sharing(x)["gates"].shape == (1, 3)


def test_parameters_by_formula():
    assert build("omoe").count_params() == 3 * ((5 * 4 + 4) + (4 * 6 + 6)) + 5 * 3 + (6 * 3 + 3) + (6 + 1)


def test_balancers_can_take_gradients_at_the_mixture(rng):
    model = build("omoe", balancer=mtlzoo.balancing.PCGrad(at="representation"))
    x = rng.normal(size=(16, 5)).astype("float32")
    logs = model.fit(x, helpers.labels_for(TASKS, 16, rng), verbose=0).history
    assert np.isfinite(logs["loss"][0]) and model.representation.shape == (None, 6)
