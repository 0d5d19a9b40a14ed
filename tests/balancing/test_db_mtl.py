"""DB-MTL, with and without moving averages, against its definition on the gradients of the log losses."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import DBMTL, aggregate
from tests import helpers
from tests.balancing import blocks, gram_cases

CASES = gram_cases.cases() | gram_cases.dependent()


def stretched(rows):
    """Rows brought to the length of the longest, and summed."""
    norms = np.linalg.norm(rows, axis=1)
    return sum(norms.max() / norm * row for norm, row in zip(norms, rows, strict=True) if norm > 0)


def reference(jacobian, losses):
    """The direction without averages."""
    return stretched(jacobian / (losses + 1e-8)[:, None])


def averaged(jacobians, losses, beta, beta_sigma):
    """Directions and averages of each step."""
    b, found = 0.0, []
    for k, (jacobian, loss) in enumerate(zip(jacobians, losses, strict=True), start=1):
        left = beta / k**beta_sigma
        b = left * b + (1 - left) * jacobian / (loss + 1e-8)[:, None]
        found.append((stretched(b), b))
    return found


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_definition_on_the_gradients(name, rng):
    jacobian = CASES[name]
    losses = rng.exponential(size=len(jacobian)) * 10.0 ** rng.integers(-12, 13, len(jacobian))
    found, wanted = gram_cases.direction(DBMTL(0.0), jacobian, losses), reference(jacobian, losses)
    scale = (np.linalg.norm(jacobian, axis=1) / (losses + 1e-8)).max() or 1.0
    assert gram_cases.error(found, wanted, scale) < 1e-12


def test_every_task_has_the_same_share_whatever_its_scale(rng):
    jacobian, losses = rng.normal(size=(4, 6)), rng.exponential(size=4)
    found, weights = aggregate(DBMTL(0.0), jacobian, losses)
    shares = weights.numpy() * np.linalg.norm(jacobian, axis=1)
    np.testing.assert_allclose(shares, shares[0], rtol=1e-12)
    scales = np.array([1e-3, 1.0, 10.0, 1e4])
    scaled = gram_cases.direction(DBMTL(0.0), scales[:, None] * jacobian, scales * losses)
    np.testing.assert_allclose(scaled, found, rtol=1e-4)


def test_zero_losses_and_zero_gradients_are_finite():
    for losses in ([0.0, 0.0, 0.0], [1e-12, 1.0, 1e12]):
        weights = aggregate(DBMTL(0.0), [[1.0, 0.0], [0.0, 0.0], [1e-6, 2e6]], losses)[1].numpy()
        assert np.all(np.isfinite(weights)) and weights[1] == 0
    np.testing.assert_array_equal(aggregate(DBMTL(0.0), np.zeros((3, 2)), [1.0, 1.0, 1.0])[1], 0)


@pytest.mark.parametrize(("beta", "beta_sigma"), [(0.9, 0.0), (0.5, 0.5), (0.999, 0.1)])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_agrees_with_the_averages_written_out(beta, beta_sigma, scale, rng):
    jacobians = scale * rng.normal(size=(12, 4, 9)) * [[1e-6], [0.3], [1.0], [1e6]]
    losses = rng.exponential(size=(12, 4)) * [1e-3, 1.0, 1.0, 1e3]
    balancer = DBMTL(beta, beta_sigma)
    for jacobian, loss, (wanted, b) in zip(jacobians, losses, averaged(jacobians, losses, beta, beta_sigma), strict=True):
        direction, weights = aggregate(balancer, jacobian, loss)
        norms = np.linalg.norm(b, axis=1)
        assert gram_cases.error(direction, wanted, norms.max()) < 1e-6
        np.testing.assert_allclose(weights, norms.max() / norms / (loss + 1e-8), rtol=1e-6)


def test_what_beta_decides(rng):
    without, little, half = DBMTL(0.0), DBMTL(1e-12), DBMTL(0.5)
    for step in range(4):
        jacobian, losses = rng.normal(size=(3, 5)), rng.exponential(size=3)
        wanted = gram_cases.direction(without, jacobian, losses)
        np.testing.assert_allclose(gram_cases.direction(little, jacobian, losses), wanted, rtol=1e-9)
        if step == 0:  # The averages start from 0, without a correction.
            np.testing.assert_allclose(gram_cases.direction(half, jacobian, losses), 0.5 * wanted, rtol=1e-12)
    for _ in range(60):
        direction, weights = aggregate(half, jacobian, losses)
    np.testing.assert_allclose(direction, wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weights.numpy() @ jacobian, wanted, rtol=1e-6, atol=1e-6)


def test_averages_need_the_gradients_and_keep_t_of_them():
    assert (DBMTL().needs, DBMTL(0.0).needs, DBMTL(0.0, at="representation").at) == ("jacobian", "gram", "representation")
    balancer = DBMTL()
    balancer.set_tasks(["regression"] * 3, [4, 5])
    assert [tuple(variable.shape) for variable in balancer.averages] == [(3, 4), (3, 5)]
    with pytest.raises(ValueError, match="`at` must be 'parameters' with beta above 0"):
        DBMTL(at="representation")


@pytest.mark.parametrize("name", gram_cases.dependent())
def test_averages_are_finite_on_degenerate_rows_and_losses(name, rng):
    jacobian = gram_cases.dependent()[name]
    run = blocks.runner(DBMTL(), *jacobian.shape, dtype="float32")
    for scale in (1e-12, 1.0, 1e12, 0.0):
        direction, weights = run(jacobian, scale * rng.exponential(size=len(jacobian)))
        assert np.all(np.isfinite(direction)) and np.all(np.isfinite(weights)) and np.all(weights >= 0)


def test_a_model_follows_the_averages(rng):
    tasks = [Task.regression("a"), Task.regression("b", alpha=0.5)]
    x, y = rng.normal(size=(16, 4)).astype("float32"), helpers.labels_for(tasks, 16, rng)
    changes = []
    for beta in (0.0, 0.75):
        model = mtlzoo.architectures.hard_sharing((4,), tasks, trunk=trunks.mlp((3,)), seed=0)
        model.compile(keras.optimizers.SGD(0.01), balancer=DBMTL(beta))
        kernel = next(v for v in model.trainable_variables if v.path.startswith("dense"))
        before = kernel.numpy().copy()
        model.train_on_batch(x, y)
        changes.append(before - kernel.numpy())
    np.testing.assert_allclose(changes[1], 0.25 * changes[0], rtol=1e-3, atol=1e-6)


def test_blocks_types_and_graphs(rng):
    blocks.check_blocks(DBMTL, rng)


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(lambda: DBMTL(0.0), rng)
    blocks.check_absent(lambda: DBMTL(0.9, 0.5), rng)
    for balancer in (DBMTL(0.0, at="representation", every=2, freeze_after=9), DBMTL(0.5, 0.2)):
        gram_cases.check_round_trip(balancer)
    for arguments in ({"beta": 1.0}, {"beta": -0.1}, {"beta_sigma": -1}, {"at": "heads"}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            DBMTL(**arguments)
