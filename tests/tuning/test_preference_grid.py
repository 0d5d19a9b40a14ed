"""The lattice of preferences."""

import numpy as np
import pytest

from mtlzoo.tuning import preference_grid


def test_two_tasks_are_evenly_spread_on_a_line():
    np.testing.assert_allclose(preference_grid(2, 5, least=0.0)[:, 0], np.linspace(0, 1, 5))
    np.testing.assert_allclose(preference_grid(2, 5)[:, 0], np.linspace(0.05, 0.95, 5))


@pytest.mark.parametrize(("tasks", "count"), [(2, 7), (3, 10), (4, 20), (5, 15), (1, 1), (6, 1)])
def test_rows_are_different_shares_that_sum_to_one(tasks, count):
    grid = preference_grid(tasks, count)
    assert grid.shape == (count, tasks) and len(np.unique(grid.round(9), axis=0)) == count
    np.testing.assert_allclose(grid.sum(axis=1), 1.0)
    assert grid.min() >= 0.1 / tasks - 1e-12
    # No task is preferred on the whole.
    np.testing.assert_allclose(grid.mean(axis=0), 1 / tasks)


def test_lattice_of_three_tasks_by_hand():
    wanted = {(0, 0, 2), (0, 2, 0), (2, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)}
    assert {tuple(row) for row in (2 * preference_grid(3, 6, least=0.0)).astype(int)} == wanted


def test_sizes_that_no_lattice_has_and_shares_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="received 5. The nearest sizes are 3 and 6"):
        preference_grid(3, 5)
    with pytest.raises(ValueError, match="single task"):
        preference_grid(1, 2)
    with pytest.raises(ValueError, match="`least` must be below 1/2"):
        preference_grid(2, 3, least=0.5)
