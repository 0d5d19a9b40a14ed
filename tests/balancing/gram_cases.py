"""Jacobians that are hard for Gram balancers, and what the tests of several of these balancers check."""

import numpy as np
import tensorflow as tf

from mtlzoo.balancing import aggregate


def scales(tasks):
    """Row norms from 1e-6 to 1e6."""
    return np.logspace(-6, 6, tasks) if tasks > 1 else np.array([1e-3])


def cases():
    """Jacobians by name: any number of tasks, unlike rows, tiny and huge ones, near-parallel, opposed, repeated and zero rows."""
    rng = np.random.default_rng(7)
    made = {f"{tasks} tasks": rng.normal(size=(tasks, 80)) for tasks in (1, 2, 3, 8, 64)}
    made["conflicts"] = rng.normal(size=(6, 9)) - 1.5 * np.linspace(-1, 1, 6)[:, None]
    made |= {f"unlike rows {tasks}": rng.permutation(scales(tasks))[:, None] * rng.normal(size=(tasks, 30)) for tasks in (2, 5, 16)}
    made |= {f"whole {scale:g}": scale * rng.normal(size=(4, 6)) for scale in (1e-12, 1e12)}
    base = rng.normal(size=(4, 12))
    made["near-parallel"] = np.vstack([base, base[0] * 3 + 1e-4 * rng.normal(size=12)])
    made["near-opposed"] = np.vstack([base, -base[0] * 3 + 1e-4 * rng.normal(size=12)])
    return made


def dependent():
    """Jacobians with linearly dependent rows, by name."""
    rng = np.random.default_rng(8)
    base = rng.normal(size=(3, 8))
    return {
        "repeated": np.vstack([base, base[1]]),
        "parallel": np.vstack([base, 1e3 * base[1]]),
        "opposed": np.vstack([base, -base[1]]),
        "only opposed": np.vstack([base[0], -2 * base[0]]),
        "zero row": np.vstack([base, np.zeros(8)]),
        "all zero": np.zeros((3, 8)),
        "more tasks than parameters": rng.normal(size=(12, 4)),
    }


def error(got, wanted, scale=None):
    """‖got − wanted‖ over `scale`, or over the length of what is wanted."""
    scale = np.linalg.norm(wanted) if scale is None else scale
    return np.linalg.norm(np.asarray(got) - wanted) / scale


def direction(balancer, jacobian, losses=None):
    """The direction [d] as an array."""
    return aggregate(balancer, jacobian, losses)[0].numpy()


def largest(jacobian):
    """The length of the longest row, or 1."""
    return np.linalg.norm(jacobian, axis=1).max() or 1.0


def step(balancer, jacobian, losses=None, present=None):
    """The weights [T] of one step; the balancer moves on."""
    return runner(balancer)(jacobian, losses, present)


def runner(balancer, traced=False):
    """Returns `step` of a balancer as a function (jacobian, losses, present), in a graph if `traced`."""

    def one(losses, present, gram):
        weights = balancer(losses, present, gram)
        balancer.advance(losses, present, gram, weights)
        return weights

    function = tf.function(one) if traced else one

    def run(jacobian, losses=None, present=None):
        jacobian = np.asarray(jacobian, "float64")
        if balancer.kinds is None:
            balancer.set_tasks(["regression"] * len(jacobian))
        losses = np.ones(len(jacobian)) if losses is None else losses
        present = [True] * len(jacobian) if present is None else present
        return function(tf.constant(losses, "float64"), tf.constant(present), tf.constant(jacobian @ jacobian.T)).numpy()

    return run


def check_round_trip(balancer):
    """The configuration makes an equal balancer."""
    assert type(balancer).from_config(balancer.get_config()).get_config() == balancer.get_config()


def check_absent(make, rng, steps=4, rtol=1e-9):
    """A task without labels gets weight 0 and leaves the others as if it were not there, in a graph as outside."""
    full, fewer = runner(make(), traced=True), runner(make())
    for _ in range(steps):
        jacobian, losses = rng.normal(size=(4, 6)) * [[1e-3], [1.0], [10.0], [1.0]], rng.exponential(size=4)
        weights = full(jacobian, losses, [True, False, True, True])
        assert weights[1] == 0
        np.testing.assert_allclose(weights[[0, 2, 3]], fewer(jacobian[[0, 2, 3]], losses[[0, 2, 3]]), rtol=rtol)
    assert np.all(np.isfinite(full(jacobian, losses, [False] * 4)))
