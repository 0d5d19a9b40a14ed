"""Spaces of alphas: what they draw, and what is refused."""

import keras_tuner
import numpy as np
import pytest

from mtlzoo import Task
from mtlzoo.tuning import AlphaSpace
from mtlzoo.tuning.alpha_space import as_space

TASKS = [Task.multiclass("digit", 10, alpha=0.5), Task.regression("sum", alpha=2.0), Task.binary("even")]
OWN = {"digit": 0.5, "sum": 2.0, "even": 1.0}


def drawn(space, tasks=TASKS, rows=200):
    """Alphas that a random search would try."""
    hp = keras_tuner.HyperParameters()
    space.declare(hp, tasks)
    made = []
    for row in range(rows):
        for index, one in enumerate(hp.space):
            hp.values[one.name] = one.random_sample(1000 * row + index)
        made.append(space.declare(hp, tasks))
    return made


@pytest.mark.parametrize("kind", ["log", "fixed"])
def test_the_default_is_the_tasks_own_alphas(kind):
    assert AlphaSpace(kind).declare(keras_tuner.HyperParameters(), TASKS) == OWN
    assert AlphaSpace(kind, low=2.0, high=3.0).declare(keras_tuner.HyperParameters(), TASKS) == OWN


def test_one_factor_a_task_but_the_pivot():
    for kind, pivot, names in [
        ("log", None, ["alpha_sum", "alpha_even"]),
        ("simplex", "sum", ["alpha_digit", "alpha_even"]),
        ("fixed", None, []),
    ]:
        hp = keras_tuner.HyperParameters()
        AlphaSpace(kind, pivot=pivot).declare(hp, TASKS)
        assert [one.name for one in hp.space] == names


def test_log_keeps_the_pivot_and_draws_factors_log_uniformly():
    alphas = drawn(AlphaSpace("log", pivot="sum", low=0.1, high=10.0))
    assert all(made["sum"] == 2.0 for made in alphas)
    logs = np.log10([made["digit"] / 0.5 for made in alphas])
    assert logs.min() >= -1 and logs.max() <= 1
    np.testing.assert_allclose(np.histogram(logs, 4, (-1, 1))[0] / 200, 0.25, atol=0.1)


def test_simplex_sums_to_the_number_of_tasks_and_has_the_ratios_of_log():
    for simplex, log in zip(drawn(AlphaSpace("simplex")), drawn(AlphaSpace("log")), strict=True):
        assert sum(simplex.values()) == pytest.approx(3)
        assert {name: simplex[name] / simplex["digit"] for name in simplex} == pytest.approx({name: log[name] / 0.5 for name in log})


def test_steps_are_equal_ratios_and_hold_one():
    assert AlphaSpace(low=0.25, high=4.0, steps=5).factors() == (0.25, 0.5, 1.0, 2.0, 4.0)
    assert AlphaSpace(low=0.1, high=1000.0, steps=2).factors() == (0.1, 1.0, 1000.0)
    hp = keras_tuner.HyperParameters()
    AlphaSpace(steps=3).declare(hp, TASKS)
    assert [one.values for one in hp.space] == [[0.01, 1.0, 100.0]] * 2


def test_empty_ranges_and_other_bad_input_are_refused():
    for arguments, message in [
        ({"low": 1.0, "high": 1.0}, "range of alphas is empty"),
        ({"low": 2.0, "high": 1.0}, "range of alphas is empty"),
        ({"low": 0.0}, "`low` must be a finite number above 0"),
        ({"low": float("nan")}, "`low` must be a finite"),
        ({"high": float("inf")}, "`high` must be a finite"),
        ({"kind": "logs"}, "Did you mean 'log'"),
        ({"steps": 1}, "at least 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            AlphaSpace(**arguments)
    with pytest.raises(ValueError, match="`pivot` must be one of .* Did you mean 'digit'"):
        AlphaSpace(pivot="digits").declare(keras_tuner.HyperParameters(), TASKS)
    with pytest.raises(ValueError, match="'fixed' with one task"):
        AlphaSpace().check(TASKS[:1])
    with pytest.raises(ValueError, match="task 'even' has"):
        AlphaSpace().check([TASKS[0], TASKS[2].replace(alpha=0)])
    with pytest.raises(ValueError, match="Did you mean 'simplex'"):
        as_space("simplx")
    with pytest.raises(TypeError, match="an AlphaSpace"):
        as_space(3)
