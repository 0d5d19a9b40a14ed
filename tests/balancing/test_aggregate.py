"""One step of a balancer on a given Jacobian."""

import numpy as np
import pytest

from mtlzoo import balancing
from mtlzoo.balancing import GramBalancer, aggregate

J = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]])


def test_direction_is_the_weighted_sum_of_the_rows():
    direction, weights = aggregate("equal", J, losses=[1.0, 2.0])
    np.testing.assert_array_equal(direction.numpy(), J.sum(axis=0))
    np.testing.assert_array_equal(weights.numpy(), [1.0, 1.0])
    assert direction.dtype == weights.dtype == "float64"


def test_a_balancer_with_a_state_moves_by_one_step_a_call():
    balancer = balancing.get("uncertainty_weighting")
    first = aggregate(balancer, J, losses=[1.0, 5.0])[1].numpy()
    second = aggregate(balancer, J, losses=[1.0, 5.0])[1].numpy()
    assert second[1] < first[1] and balancer.steps.numpy() == 2


@pytest.mark.parametrize(
    ("balancer", "jacobian", "losses", "error", "message"),
    [
        ("equl", J, None, ValueError, "Did you mean 'equal'"),
        (3, J, None, TypeError, "a name or a mtlzoo.balancing.Balancer"),
        ("uncertainty_weighting", J, None, ValueError, "`losses` must be given"),
        ("equal", J, [1.0], ValueError, "one entry for each of the 2 rows"),
        ("equal", J[0], [1.0], ValueError, "must be a matrix"),
        ("equal", J * np.nan, [1.0, 1.0], ValueError, "must be finite"),
    ],
)
def test_bad_input_is_refused(balancer, jacobian, losses, error, message):
    with pytest.raises(error, match=message):
        aggregate(balancer, jacobian, losses)


def test_a_balancer_serves_one_number_of_tasks():
    balancer = balancing.get("uncertainty_weighting")
    aggregate(balancer, J, losses=[1.0, 1.0])
    with pytest.raises(ValueError, match="must have 2 rows"):
        aggregate(balancer, np.eye(3), losses=[1.0, 1.0, 1.0])


def test_a_problem_that_is_not_solved_raises_with_its_residual():
    class Unsolved(GramBalancer):
        solves = True

        def solve(self, gram, losses):
            return self.solved(losses, 0.25)

    with pytest.raises(ValueError, match="`balancer` 'unsolved' found no finite direction .*residual of its problem is 0.25"):
        aggregate(Unsolved(name="unsolved"), [[1.0, 0.0], [0.0, 1.0]])
