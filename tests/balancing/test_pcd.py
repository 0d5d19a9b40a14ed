"""PCD against the quadratic programme solved by trying every set of active constraints, on the gradients themselves."""

import itertools

import numpy as np
import pytest

from mtlzoo.balancing import PCD, aggregate
from tests.balancing import gram_cases

CASES = {name: rows for name, rows in gram_cases.cases().items() if len(rows) <= 8}


def reference(jacobian, squares, share):
    """The feasible d = g̃_1 + Σ μ_j·g̃_j nearest to g̃_1, rescaled to ‖g_1‖; g_1 if there is none."""
    rows = jacobian / np.sqrt(squares)[:, None]
    needed, best = share * np.sum(rows[1:] ** 2, axis=1), None
    for count in range(len(rows)):
        for chosen in itertools.combinations(range(1, len(rows)), count):
            d = rows[0]
            if chosen:
                active = rows[list(chosen)]
                mu = np.linalg.lstsq(active @ active.T, needed[[j - 1 for j in chosen]] - active @ rows[0], rcond=None)[0]
                d = rows[0] + mu @ active
                if np.any(mu < 0):
                    continue
            close = best is None or np.linalg.norm(d - rows[0]) < np.linalg.norm(best - rows[0])
            if close and np.all(rows[1:] @ d >= needed - 1e-8 * np.linalg.norm(rows[1:], axis=1)):
                best = d
    best = rows[0] if best is None else best
    return best / np.linalg.norm(best) * np.linalg.norm(jacobian[0])


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_programme_on_the_gradients(name, share):
    jacobian, balancer = CASES[name], PCD(share, decay=0.5)
    other, squares = jacobian * np.linspace(0.5, 2.0, len(jacobian))[:, None], np.sum(jacobian**2, axis=1)
    assert gram_cases.error(gram_cases.direction(balancer, jacobian), reference(jacobian, squares, share)) < 1e-6
    averaged = (0.25 * squares + 0.5 * np.sum(other**2, axis=1)) / 0.75
    assert gram_cases.error(gram_cases.direction(balancer, other), reference(other, averaged, share)) < 1e-6


def test_two_tasks_have_a_closed_form(rng):
    for _ in range(10):
        jacobian = rng.normal(size=(2, 4)) * [[1e-6], [1e6]]
        one, other = jacobian / np.linalg.norm(jacobian, axis=1)[:, None]
        wanted = one + max(0.0, 0.3 - other @ one) * other
        found = gram_cases.direction(PCD(0.3), jacobian)
        assert gram_cases.error(found, wanted / np.linalg.norm(wanted) * np.linalg.norm(jacobian[0])) < 1e-12


def test_constraints_hold_the_length_is_that_of_the_first_and_scales_do_not_matter(rng):
    for _ in range(10):
        jacobian = rng.normal(size=(5, 9))
        found = gram_cases.direction(PCD(0.0), jacobian)
        assert np.all(jacobian[1:] @ found >= -1e-12 * np.linalg.norm(jacobian[1:], axis=1) * np.linalg.norm(found))
        np.testing.assert_allclose(np.linalg.norm(found), np.linalg.norm(jacobian[0]), rtol=1e-12)
        scaled = gram_cases.direction(PCD(0.0), jacobian * [[1.0], [1e-6], [1e6], [1e3], [1.0]])
        np.testing.assert_allclose(scaled, found, rtol=1e-9, atol=1e-12)


def test_what_cannot_be_served_and_zero_gradients():
    first, second = np.array([1.0, 2.0, 0.0]), np.array([0.0, 1.0, 1.0])
    for rows in ([first, second, -second], [first, second, -3 * second, [0.0, 0.0, 0.0]]):
        np.testing.assert_allclose(gram_cases.direction(PCD(0.1), np.array(rows)), first, rtol=1e-12)
    np.testing.assert_array_equal(aggregate("pcd", [[0.0, 0.0], [1.0, 2.0]])[1], 0)
    np.testing.assert_allclose(gram_cases.direction(PCD(0.0), np.array([first, -first])), 0.0, atol=1e-12)
    np.testing.assert_allclose(aggregate("pcd", [first, first, first])[1], [1, 0, 0], rtol=1e-12)
    for name, jacobian in gram_cases.dependent().items():
        assert np.all(np.isfinite(aggregate("pcd", jacobian)[1])), name


@pytest.mark.parametrize("tasks", [1, 64])
def test_any_number_of_tasks(tasks, rng):
    jacobian = rng.normal(size=(tasks, 100))
    found = gram_cases.direction("pcd", jacobian)
    assert np.all(jacobian[1:] @ found > 0)
    if tasks == 1:
        np.testing.assert_allclose(found, jacobian[0], rtol=1e-12)


def test_absent_tasks_the_configuration_and_bad_arguments(rng):
    gram_cases.check_absent(PCD, rng)
    balancer = PCD()
    gram_cases.step(balancer, rng.normal(size=(3, 6)), present=[False, True, True])
    np.testing.assert_array_equal(balancer.shares.numpy() > 0, [False, True, True])
    gram_cases.check_round_trip(PCD(0.3, 0.9, at="representation", every=2, freeze_after=9))
    for arguments in ({"share": 1.5}, {"decay": 1.0}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            PCD(**arguments)
