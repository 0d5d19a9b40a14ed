"""How the tests of loss-only balancers drive them, and what all of them check."""

import decimal

import numpy as np
import tensorflow as tf


def prepared(balancer, tasks):
    """The balancer, with its state made for that many tasks."""
    balancer.set_tasks(["regression"] * tasks)
    return balancer


def weights_of(balancer, losses, present=None):
    """The weights for losses [T], float64."""
    losses = tf.constant(losses, "float64")
    present = tf.ones(len(losses), "bool") if present is None else tf.constant(present)
    return balancer(losses, present).numpy()


def step(balancer, losses, present=None):
    """The weights for losses [T], float64; the balancer moves by one step."""
    weights = weights_of(balancer, losses, present)
    losses = tf.constant(losses, "float64")
    balancer.advance(losses, tf.ones(len(losses), "bool") if present is None else tf.constant(present), weights=tf.constant(weights))
    return weights


def run(balancer, rows, present=None):
    """The weights of steps with the losses of each row."""
    return np.array([step(balancer, row, present) for row in rows])


def run_fast(balancer, rows):
    """As `run`, in one graph, for thousands of steps."""

    @tf.function
    def steps(rows):
        present = tf.ones(tf.shape(rows)[1:], "bool")

        def one(row):
            weights = balancer(row, present)
            balancer.advance(row, present, weights=weights)
            return weights

        return tf.map_fn(one, rows, parallel_iterations=1)

    return steps(tf.constant(rows, "float64")).numpy()


def state(balancer):
    """The balancer's own variables by name, without what all balancers have."""
    found = [*balancer.variables, *(balancer.optimizer.variables if hasattr(balancer, "optimizer") else [])]
    return {variable.path: variable.numpy().copy() for variable in found if variable.name not in ("steps", "last", "mean")}


def check(make, rng, steps=6):
    """Any number of tasks, in a graph as outside, float32 and float64, an absent task in the middle, the configuration."""
    for tasks in (1, 64):
        weights = run(prepared(make(), tasks), rng.exponential(size=(steps, tasks)))
        assert weights.shape == (steps, tasks) and np.all(np.isfinite(weights))
    losses = rng.exponential(size=(steps, 3))
    wanted = run(prepared(make(), 3), losses)
    traced = prepared(make(), 3)

    @tf.function
    def in_graph(row, present):
        weights = traced(row, present)
        traced.advance(row, present, weights=weights)
        return weights

    got = [in_graph(tf.constant(row, "float32"), tf.ones(3, "bool")) for row in losses]
    assert all(weights.dtype == "float32" for weights in got)
    np.testing.assert_allclose(got, wanted, rtol=2e-5)
    assert make().get_config() == type(traced).from_config(make().get_config()).get_config()
    again = type(traced).from_config(traced.get_config())
    np.testing.assert_array_equal(run(prepared(again, 3), losses), wanted)


def check_absent(make, rng, steps=6):
    """A task that is not present leaves the others as if it were not there, and keeps its own state, bit for bit."""
    three, two = prepared(make(), 3), prepared(make(), 2)
    before = state(three)
    for row in rng.exponential(size=(steps, 3)):
        weights = step(three, row, [True, False, True])
        np.testing.assert_allclose(weights[[0, 2]], step(two, row[[0, 2]]), rtol=1e-12)
    for path, value in state(three).items():
        if value.shape == (3,):
            assert value[1] == before[path][1], path


def adam(gradient, start, number, learning_rate, epsilon):
    """Adam written out: the values before each step and after the last, for gradient(step, value)."""
    value = np.array(start, "float64")
    m, v, values = np.zeros_like(value), np.zeros_like(value), [value]
    for step in range(1, number + 1):
        slope = gradient(step - 1, value)
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope**2
        rate = learning_rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        value = value - rate * m / (np.sqrt(v) + epsilon)
        values.append(value)
    return np.array(values)


def derivative(objective, losses, step="1e-30"):
    """∂objective/∂losses by central differences in 90 digits; the objective takes and gives `decimal.Decimal`."""
    with decimal.localcontext(prec=90):
        exact = [decimal.Decimal(float(loss)) for loss in losses]
        found = []
        for index, loss in enumerate(exact):
            width = abs(loss) * decimal.Decimal(step)
            up, down = (objective([*exact[:index], loss + side, *exact[index + 1 :]]) for side in (width, -width))
            found.append(float((up - down) / (2 * width)))
        return np.array(found)


def exact(values):
    """Numbers as `decimal.Decimal`."""
    return [decimal.Decimal(float(value)) for value in values]
