"""LDC-MTL against its objective in many digits, and against the authors' steps written out."""

import decimal

import numpy as np
import pytest

from mtlzoo.balancing import LDCMTL
from tests.balancing import steps


@pytest.mark.parametrize("tasks", [1, 2, 3, 64])
@pytest.mark.parametrize("penalty", [0.0, 0.05, 2.0])
def test_weights_are_the_derivative_of_the_objective(tasks, penalty, rng):
    losses, logits = rng.exponential(size=tasks), rng.normal(size=tasks).astype("float32").astype("float64")
    balancer = steps.prepared(LDCMTL(penalty, "none"), tasks)
    balancer.logits.assign(logits)
    parts = steps.exact(1 / (1 + np.exp(-logits)))

    def objective(values):
        weighted = [part * value for part, value in zip(parts, values, strict=True)]
        across = sum(abs(one - other) for one, other in zip(weighted[:-1], weighted[1:], strict=True))
        return sum(weighted) / sum(parts) + decimal.Decimal(penalty) * across

    np.testing.assert_allclose(steps.weights_of(balancer, losses), steps.derivative(objective, losses), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("normalisation", ["none", "rescaled"])
def test_agrees_with_the_authors_steps_written_out(normalisation, rng):
    rows = rng.exponential(size=(30, 4)) * [1e-2, 1.0, 10.0, 1e2]
    scales = rows[0] / rows[0].min() if normalisation == "rescaled" else np.ones(4)

    def pull(losses, logits):
        parts = 1 / (1 + np.exp(-logits))
        weighted = parts * losses / scales
        gaps = weighted[:-1] - weighted[1:]
        signs = np.concatenate([[0.0], np.sign(gaps) * (np.abs(gaps) > 1e-12 * weighted[1:]), [0.0]])
        return parts, (1 / parts.sum() + 0.3 * (signs[1:] - signs[:-1])) / scales

    def gradient(step, logits):
        parts, force = pull(rows[step], logits)
        return rows[step] * force * parts * (1 - parts)

    logits = steps.adam(gradient, np.ones(4), 30, 0.025, 1e-7)
    wanted = np.array([np.prod(pull(row, logit), axis=0) for row, logit in zip(rows, logits, strict=False)])
    got = steps.run(steps.prepared(LDCMTL(0.3, normalisation), 4), rows)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max(axis=0).min())


def test_units_do_not_matter_when_rescaled(rng):
    rows = rng.exponential(size=(10, 3))
    units = np.where(np.arange(3) == rows[0].argmin(), 1.0, [1e3, 1e6, 1e9])
    one, other = (steps.run(steps.prepared(LDCMTL(), 3), values) for values in (rows, rows * units))
    np.testing.assert_allclose(other * units, one, rtol=1e-4)


def test_all_are_alike_at_the_first_step(rng):
    losses = 10.0 ** rng.uniform(-12, 12, 5)
    weights = steps.weights_of(steps.prepared(LDCMTL(penalty=10.0), 5), losses)
    np.testing.assert_allclose(weights * losses, losses.min() / 5, rtol=1e-12)


def test_weighted_losses_of_neighbours_come_together():
    losses = np.array([2.0, 1.0])
    balancer = steps.prepared(LDCMTL(penalty=5.0, normalisation="none"), 2)
    steps.run_fast(balancer, np.tile(losses, (300, 1)))
    parts = 1 / (1 + np.exp(-balancer.logits.numpy()))
    assert abs(parts[0] * 2 - parts[1]) < 0.1 * parts[1] and parts[0] < 0.9 * parts[1]


def test_a_task_that_comes_later_is_scaled_by_its_first_loss():
    balancer = steps.prepared(LDCMTL(penalty=0.0), 2)
    steps.step(balancer, [4.0, 0.0], [True, False])
    weights = steps.weights_of(balancer, [4.0, 100.0])
    np.testing.assert_allclose(weights[0] / weights[1], 25.0, rtol=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"penalty": -1}, "at least 0"), ({"normalisation": "log"}, "'rescaled'"), ({"learning_rate": 0}, "above 0")]
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LDCMTL(**arguments)


@pytest.mark.parametrize("normalisation", ["none", "rescaled"])
def test_common(normalisation, rng):
    steps.check(lambda: LDCMTL(normalisation=normalisation), rng)
    steps.check_absent(lambda: LDCMTL(normalisation=normalisation), rng)


def test_the_order_of_the_tasks_is_part_of_the_objective():
    one, other = (steps.weights_of(steps.prepared(LDCMTL(0.5, "none"), 3), losses) for losses in ([3.0, 2.0, 1.0], [2.0, 3.0, 1.0]))
    assert not np.allclose(one[[1, 0, 2]], other)
