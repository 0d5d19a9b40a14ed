"""GradVac against the algorithm of the paper run on the gradients themselves."""

import numpy as np
import pytest

from mtlzoo.balancing import GradVac, PCGrad, _unit_rows
from tests.balancing import gram_cases

CASES = gram_cases.cases() | gram_cases.dependent()


def reference(jacobian, order, targets, beta):
    """Algorithm 1 on the rows, with the given orders; changes the targets."""
    norms, total = np.linalg.norm(jacobian, axis=1), np.zeros(jacobian.shape[1])
    for i, others in enumerate(order):
        v = jacobian[i].copy()
        for j in others:
            length = np.linalg.norm(v)
            if norms[j] == 0 or length <= 1e-7 * norms[i]:
                continue
            cosine, target = v @ jacobian[j] / (length * norms[j]), targets[i, j]
            if cosine < target:
                sine = np.linalg.norm(v / length - cosine * jacobian[j] / norms[j])
                v = v + length * (target * sine - cosine * np.sqrt(1 - target**2)) / (norms[j] * np.sqrt(1 - target**2)) * jacobian[j]
            targets[i, j] = (1 - beta) * target + beta * cosine
        total += v
    return total


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_algorithm_on_the_gradients(name):
    jacobian, balancer = CASES[name], GradVac(beta=0.3, seed=3)
    targets = np.zeros((len(jacobian),) * 2)
    for step in range(2 if len(jacobian) > 20 else 4):
        wanted = reference(jacobian, _unit_rows.orders(len(jacobian), 3, step).numpy(), targets, 0.3)
        scale = max(np.linalg.norm(wanted), gram_cases.largest(jacobian))
        assert gram_cases.error(gram_cases.direction(balancer, jacobian), wanted, scale) < 1e-7
    np.testing.assert_allclose(balancer.targets.numpy(), targets, rtol=1e-6, atol=1e-7)


def test_two_tasks_come_to_the_target_cosine(rng):
    one, other = rng.normal(size=(2, 5))
    balancer = GradVac(beta=1.0)
    gram_cases.step(balancer, [one, other])
    wanted = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    np.testing.assert_allclose(balancer.targets.numpy(), [[0, wanted], [wanted, 0]], rtol=1e-12)
    balancer.targets.assign([[0.0, 0.9], [0.9, 0.0]])
    weights = gram_cases.step(balancer, [one, other])
    raised = one + (weights[1] - 1) * other
    np.testing.assert_allclose(raised @ other / np.linalg.norm(raised) / np.linalg.norm(other), 0.9, rtol=1e-12)


def test_the_first_step_is_that_of_pcgrad_and_stays_so_without_targets(rng):
    for _ in range(3):
        jacobian = rng.normal(size=(6, 4))
        vaccinated, plain = GradVac(beta=0.0, seed=2), PCGrad(seed=2)
        for _ in range(2):
            np.testing.assert_allclose(gram_cases.step(vaccinated, jacobian), gram_cases.step(plain, jacobian), rtol=1e-10)


def test_equal_gradients_over_many_steps_stay_finite_when_they_turn(rng):
    row, balancer = rng.normal(size=6), GradVac(beta=1.0)
    for _ in range(4):
        np.testing.assert_allclose(gram_cases.step(balancer, [row, 2 * row]), 1.0, rtol=1e-6)
    assert np.all(np.isfinite(gram_cases.step(balancer, rng.normal(size=(2, 6)))))


def test_absent_tasks_keep_their_targets(rng):
    gram_cases.check_absent(lambda: GradVac(beta=0.2, seed=5), rng)
    balancer = GradVac(beta=0.2)
    gram_cases.step(balancer, rng.normal(size=(3, 6)))
    before = balancer.targets.numpy()
    gram_cases.step(balancer, rng.normal(size=(3, 6)), present=[True, False, True])
    changed = balancer.targets.numpy() != before
    np.testing.assert_array_equal(changed, [[False, False, True], [False, False, False], [True, False, False]])
    gram_cases.step(balancer, rng.normal(size=(3, 6)), present=[False] * 3)
    assert np.all(balancer.targets.numpy()[changed] != before[changed])


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(GradVac(beta=0.4, seed=4, at="representation", every=2, freeze_after=9))
    with pytest.raises(ValueError, match="`beta`"):
        GradVac(beta=1.5)
