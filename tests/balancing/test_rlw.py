"""RLW: the law of its weights, and that a draw depends on seed and step alone."""

import numpy as np
import pytest

from mtlzoo.balancing import RLW
from tests.balancing import steps

BOTH = pytest.mark.parametrize("distribution", ["normal", "dirichlet"])


def drawn(distribution, tasks, number, present=None, seed=0):
    balancer = steps.prepared(RLW(distribution, seed=seed), tasks)
    rows = np.ones((number, tasks))
    return steps.run_fast(balancer, rows) if present is None and number > 100 else steps.run(balancer, rows, present)


@BOTH
def test_weights_are_positive_and_sum_to_one_with_the_right_moments(distribution):
    weights = drawn(distribution, 3, 1500)
    assert np.all(weights > 0)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    reference = np.random.default_rng(5)
    if distribution == "normal":
        powers = np.exp(reference.normal(size=(200_000, 3)))
        wanted = powers / powers.sum(axis=1, keepdims=True)
    else:
        wanted = reference.dirichlet(np.ones(3), size=200_000)
    # Five standard errors of 1,500 draws.
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 3, atol=5 * wanted.std() / np.sqrt(1500))
    for quantile in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(np.mean(weights < np.quantile(wanted, quantile)), quantile, atol=5 * 0.5 / np.sqrt(4500))
    np.testing.assert_allclose(np.cov(weights.T), np.cov(wanted.T), atol=0.01)


@BOTH
def test_steps_are_independent(distribution):
    weights = drawn(distribution, 2, 1000)[:, 0]
    assert abs(np.corrcoef(weights[1:], weights[:-1])[0, 1]) < 5 / np.sqrt(1000)


@BOTH
@pytest.mark.parametrize("absent", [0, 1, 2, 3, 4])
def test_draws_of_the_others_do_not_depend_on_an_absent_task(distribution, absent):
    present = np.arange(5) != absent
    weights, full = drawn(distribution, 5, 10, present), drawn(distribution, 5, 10)
    assert np.all(weights[:, absent] == 0)
    np.testing.assert_allclose(weights[:, present], full[:, present] / full[:, present].sum(axis=1, keepdims=True), rtol=1e-12)


@BOTH
def test_a_task_at_the_end_leaves_the_others_as_if_it_were_not_there(distribution):
    for tasks in (1, 2, 5, 9):
        with_absent = drawn(distribution, tasks + 1, 5, [True] * tasks + [False])
        np.testing.assert_allclose(with_absent[:, :-1], drawn(distribution, tasks, 5), rtol=1e-12)


def test_seeds_and_steps_decide_and_a_step_drawn_again_is_the_same():
    np.testing.assert_array_equal(drawn("normal", 3, 5), drawn("normal", 3, 5))
    assert not np.any(drawn("normal", 3, 5) == drawn("normal", 3, 5, seed=1))
    balancer = steps.prepared(RLW(), 3)
    first = steps.weights_of(balancer, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(first, steps.step(balancer, [1.0, 1.0, 1.0]))
    assert not np.any(first == steps.step(balancer, [1.0, 1.0, 1.0]))


@pytest.mark.parametrize(("arguments", "message"), [({"distribution": "uniform"}, "'dirichlet'"), ({"seed": -1}, "at least 0")])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RLW(**arguments)


@BOTH
def test_common(distribution, rng):
    steps.check(lambda: RLW(distribution), rng)
