"""Uncertainty weighting against a NumPy reference written from the paper, and its known optimum."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.balancing import UncertaintyWeighting


def reference(losses, factors, learning_rate, s):
    """Adam on Σ c·exp(−s)·L + ½s, written out; returns the weights before each step."""
    m, v, weights = np.zeros_like(s), np.zeros_like(s), []
    for step, loss in enumerate(losses, start=1):
        weights.append(factors * np.exp(-s))
        gradient = 0.5 - weights[-1] * loss
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        s = s - learning_rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-7)
    return np.array(weights)


@pytest.mark.parametrize(("form", "factors"), [("auto", [0.5, 1.0, 1.0]), ("regression", [0.5] * 3), ("classification", [1.0] * 3)])
def test_agrees_with_the_paper_written_out(form, factors, rng):
    losses = rng.exponential(size=(40, 3)) * [1e-3, 1.0, 1e3]
    balancer = UncertaintyWeighting(form=form, initial=-0.5)
    balancer.set_tasks(["regression", "multiclass", "binary"])
    got = []
    for loss in losses:
        loss = tf.constant(loss, "float32")
        got.append(balancer(loss, tf.ones(3, "bool")).numpy())
        balancer.update(loss, tf.ones(3, "bool"))
    np.testing.assert_allclose(got, reference(losses, np.array(factors), 0.025, np.full(3, -0.5)), rtol=1e-4)


def test_log_variances_settle_where_the_objective_is_least():
    balancer = UncertaintyWeighting(learning_rate=0.1)
    balancer.set_tasks(["regression", "multiclass"])
    losses = tf.constant([4.0, 0.3])
    for _ in range(600):
        balancer.update(losses, tf.ones(2, "bool"))
    np.testing.assert_allclose(np.exp(balancer.log_variances.numpy()), [4.0, 0.6], rtol=1e-2)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"learning_rate": 0}, "above 0"), ({"form": "both"}, "'auto'"), ({"initial": np.inf}, "finite")]
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UncertaintyWeighting(**arguments)


def test_one_balancer_serves_one_set_of_tasks():
    balancer = UncertaintyWeighting()
    balancer.set_tasks(["regression"])
    with pytest.raises(ValueError, match="make a new one"):
        balancer.set_tasks(["regression", "binary"])
