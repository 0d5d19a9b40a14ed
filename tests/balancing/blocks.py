"""How the tests of balancers that see the task gradients themselves drive them, and what several of them check."""

import numpy as np
import tensorflow as tf


def runner(balancer, tasks, size, traced=False, dtype="float64"):
    """Returns one step as a function (jacobian, losses, present) -> (direction, weights), with the gradients in two blocks."""
    first = size // 3
    balancer.set_tasks(["regression"] * tasks, [first, size - first])

    def one(losses, present, *blocks):
        found = balancer.direct(losses, present, list(blocks))
        balancer.advance(losses, present, found.state, found.weights)
        rows = blocks if found.rows is None else found.rows
        return tf.concat([tf.linalg.matvec(part, tf.cast(found.factors, part.dtype), transpose_a=True) for part in rows], 0), found.weights

    function = tf.function(one) if traced else one

    def run(jacobian, losses=None, present=None):
        losses = np.ones(tasks) if losses is None else losses
        present = [True] * tasks if present is None else present
        blocks = [tf.constant(part, dtype) for part in np.split(np.asarray(jacobian, "float64"), [first], axis=1)]
        return [value.numpy() for value in function(tf.constant(losses, dtype), tf.constant(present), *blocks)]

    return run


def state(balancer):
    """The balancer's own variables by name, without what all balancers have."""
    return {v.path: v.numpy().copy() for v in balancer.variables if v.name not in ("steps", "last", "mean", "residual")}


def check_absent(make, rng, steps=5, garbage=(np.nan, 1e9, np.inf)):
    """A task without labels leaves the others as if it were not there, whatever its row holds, and keeps its state bit for bit."""
    balancer = make()
    full, fewer = runner(balancer, 4, 6, traced=True), runner(make(), 3, 6)
    for step in range(steps):
        jacobian, losses = rng.normal(size=(4, 6)) * [[1e-3], [1.0], [10.0], [1.0]], rng.exponential(size=4)
        wanted, known = fewer(jacobian[[0, 2, 3]], losses[[0, 2, 3]])
        jacobian[1], losses[1] = garbage[step % len(garbage)], np.nan
        before = state(balancer)
        direction, weights = full(jacobian, losses, [True, False, True, True])
        np.testing.assert_allclose(direction, wanted, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(weights, np.insert(known, 1, 0.0), rtol=1e-6, atol=1e-12)
        for path, value in state(balancer).items():
            assert value.shape[0] != 4 or np.array_equal(value[1], before[path][1]), path
    before = state(balancer)
    direction, weights = full(np.zeros((4, 6)), np.zeros(4), [False] * 4)
    assert np.all(np.isfinite(direction)) and np.all(np.isfinite(weights))
    for path, value in state(balancer).items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)


def check_blocks(make, rng, steps=4):
    """The same in the graph, in float32 and in float64."""
    eager, traced, single = runner(make(), 3, 9), runner(make(), 3, 9, traced=True), runner(make(), 3, 9, traced=True, dtype="float32")
    for _ in range(steps):
        jacobian, losses = rng.normal(size=(3, 9)), rng.exponential(size=3)
        direction, weights = eager(jacobian, losses)
        for run, rtol in ((traced, 1e-7), (single, 2e-5)):
            got = run(jacobian, losses)
            np.testing.assert_allclose(got[0], direction, rtol=rtol, atol=rtol)
            np.testing.assert_allclose(got[1], weights, rtol=rtol, atol=rtol)
