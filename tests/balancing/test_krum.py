"""Krum against the rule of the paper run on the gradients themselves."""

import numpy as np
import pytest

from mtlzoo.balancing import Krum, aggregate
from tests.balancing import gram_cases

CASES = {name: rows for name, rows in gram_cases.cases().items() if len(rows) > 2}


def reference(jacobian, byzantine, selected):
    """The mean of the rows of the lowest scores; rows whose scores are equal up to rounding share the places left for them."""
    distances = ((jacobian[:, None] - jacobian[None]) ** 2).sum(axis=2)
    scores = [np.sort(np.delete(row, i))[: len(jacobian) - byzantine - 2].sum() for i, row in enumerate(distances)]
    weights, left = np.zeros(len(jacobian)), selected
    for i in np.argsort(scores):
        alike = np.isclose(scores, scores[i], rtol=2e-12, atol=0)
        if left > 0 and weights[i] == 0:
            weights[alike] = min(1.0, left / alike.sum())
            left -= alike.sum()
    return weights @ jacobian / selected


@pytest.mark.parametrize(("byzantine", "selected"), [(0, 1), (0, 3), (1, 2)])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_rule_on_the_gradients(name, byzantine, selected):
    jacobian = CASES[name]
    if len(jacobian) < byzantine + 3:
        pytest.skip("too few tasks")
    found = gram_cases.direction(Krum(byzantine, selected), jacobian)
    assert gram_cases.error(found, reference(jacobian, byzantine, selected)) < 1e-12


def test_distances_are_squared():
    # On a line, with the four nearest rows of each: plain distances choose row 2, squared ones row 3.
    jacobian = np.array([0.0, 2.0, 5.0, 19.0, 24.0, 27.0])[:, None]
    assert gram_cases.step(Krum(), jacobian).argmax() == 3


def test_an_arbitrary_row_is_left_out(rng):
    jacobian = rng.normal(size=(7, 4)) + 5.0
    for size in (1e2, 1e6, 1e12):
        jacobian[3] = -size
        weights = gram_cases.step(Krum(byzantine=1, selected=5), jacobian)
        assert weights[3] == 0 and np.sum(weights > 0) == 5
        np.testing.assert_allclose(weights.sum(), 1.0)


def test_equal_scores_share(rng):
    np.testing.assert_array_equal(gram_cases.step(Krum(), rng.normal(size=(2, 3))), [0.5, 0.5])
    np.testing.assert_array_equal(gram_cases.step(Krum(), np.ones((4, 3))), [0.25] * 4)
    np.testing.assert_array_equal(gram_cases.step(Krum(selected=2), [[0.0], [1.0], [1.0], [1.0]]), [0, 1 / 3, 1 / 3, 1 / 3])
    for name, jacobian in gram_cases.dependent().items():
        np.testing.assert_allclose(np.sum(aggregate("krum", jacobian)[1]), 1.0, err_msg=name)


def test_permuted_and_scaled(rng):
    jacobian, order = rng.normal(size=(6, 4)), [3, 1, 5, 0, 4, 2]
    weights = gram_cases.step(Krum(1, 2), jacobian)
    np.testing.assert_array_equal(gram_cases.step(Krum(1, 2), 1e-12 * jacobian[order]), weights[order])


def test_absent_tasks_the_configuration_and_bad_arguments(rng):
    gram_cases.check_absent(lambda: Krum(selected=2), rng)
    gram_cases.check_round_trip(Krum(1, 2, at="representation", every=2, freeze_after=9))
    for arguments, message in (({"byzantine": 1}, "`byzantine`"), ({"selected": 4}, "`selected`")):
        with pytest.raises(ValueError, match=message):
            gram_cases.step(Krum(**arguments), rng.normal(size=(3, 3)))
