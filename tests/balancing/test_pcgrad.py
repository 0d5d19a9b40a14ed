"""PCGrad against the algorithm of the paper run on the gradients themselves."""

import numpy as np
import pytest

from mtlzoo.balancing import PCGrad, _unit_rows, aggregate
from tests.balancing import gram_cases

CASES = gram_cases.cases() | gram_cases.dependent()


def reference(jacobian, order):
    """Algorithm 1 on the rows, with the given orders."""
    total = np.zeros(jacobian.shape[1])
    for i, others in enumerate(order):
        v = jacobian[i].copy()
        for j in others:
            if v @ jacobian[j] < 0:
                v -= v @ jacobian[j] / (jacobian[j] @ jacobian[j]) * jacobian[j]
        total += v
    return total


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_algorithm_on_the_gradients(name):
    jacobian, balancer = CASES[name], PCGrad(seed=3)
    for step in range(2):
        wanted = reference(jacobian, _unit_rows.orders(len(jacobian), 3, step).numpy())
        assert gram_cases.error(gram_cases.direction(balancer, jacobian), wanted, gram_cases.largest(jacobian)) < 1e-10


def test_two_tasks_never_conflict_and_what_agrees_is_summed(rng):
    for _ in range(20):
        jacobian = rng.normal(size=(2, 3)) * [[1e3], [1e-3]]
        found = gram_cases.direction("pcgrad", jacobian)
        assert np.all(jacobian @ found >= -1e-12 * np.linalg.norm(jacobian, axis=1) * np.linalg.norm(found))
    jacobian = np.abs(rng.normal(size=(5, 4)))
    np.testing.assert_allclose(aggregate("pcgrad", jacobian)[1], np.ones(5), rtol=1e-14)


def test_orders_are_permutations_of_the_others_and_every_one_is_as_likely():
    drawn = np.array([_unit_rows.orders(4, 0, step).numpy() for step in range(300)])
    for i in range(4):
        assert np.all(np.sort(drawn[:, i], axis=1) == [j for j in range(4) if j != i])
        for j in range(4):
            if j != i:
                # Five standard errors.
                assert abs(np.mean(drawn[:, i, 0] == j) - 1 / 3) < 5 * np.sqrt(2 / 9 / 300)


def test_permuted_tasks_give_permuted_weights_on_average(rng):
    jacobian, permuted = rng.normal(size=(3, 3)) - [[0.0], [1.0], [-1.0]], [2, 0, 1]
    one, other = (gram_cases.runner(PCGrad(seed=seed), traced=True) for seed in (0, 1))
    drawn = np.array([one(jacobian) for _ in range(200)]), np.array([other(jacobian[permuted]) for _ in range(200)])
    spread = drawn[0].std(axis=0)
    assert np.any(spread > 0)
    # Five standard errors of a difference.
    assert np.all(np.abs(drawn[0].mean(axis=0)[permuted] - drawn[1].mean(axis=0)) <= 5 * spread[permuted] * np.sqrt(2 / 200) + 1e-12)


def test_a_seed_decides_and_steps_draw_anew(rng):
    jacobian = rng.normal(size=(6, 3))
    one, same, other = ([gram_cases.step(b, jacobian) for _ in range(3)] for b in (PCGrad(seed=1), PCGrad(seed=1), PCGrad(seed=2)))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other) and not np.allclose(one[0], one[1])


def test_absent_tasks_and_the_configuration(rng):
    gram_cases.check_absent(lambda: PCGrad(seed=5), rng)
    gram_cases.check_round_trip(PCGrad(seed=4, at="representation", every=2, freeze_after=9))
    with pytest.raises(ValueError, match="`seed`"):
        PCGrad(seed=-1)
