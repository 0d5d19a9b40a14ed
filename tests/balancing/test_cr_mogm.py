"""CR-MOGM: the moving average of any balancer's weights, and that the inner balancer works as it does alone."""

import keras
import numpy as np
import pytest

from mtlzoo import balancing
from mtlzoo.balancing import CRMOGM, IMTLG, GradVac, PCGrad, UncertaintyWeighting
from tests.balancing import gram_cases

INNER = [name for name in balancing.names() if name not in ("cr_mogm",)]


@pytest.mark.parametrize("name", INNER)
def test_weights_are_the_moving_average_of_those_of_the_inner_balancer(name, rng):
    alone, smoothed = gram_cases.runner(balancing.get(name)), gram_cases.runner(CRMOGM(name, alpha=0.7))
    average = None
    for _ in range(4):
        jacobian, losses = rng.normal(size=(3, 6)), rng.exponential(size=3)
        inner = alone(jacobian, losses).astype("float64")
        average = inner if average is None else 0.7 * average + 0.3 * inner
        np.testing.assert_allclose(smoothed(jacobian, losses), average, rtol=1e-6)


def test_alpha_0_is_the_inner_balancer_and_the_average_settles(rng):
    jacobian = rng.normal(size=(4, 6))
    np.testing.assert_array_equal(gram_cases.step(CRMOGM(IMTLG(), alpha=0.0), jacobian), gram_cases.step(IMTLG(), jacobian))
    run = gram_cases.runner(CRMOGM("imtl_g", alpha=0.5), traced=True)
    run(rng.normal(size=(4, 6)))
    for _ in range(50):
        weights = run(jacobian)
    np.testing.assert_allclose(weights, gram_cases.step(IMTLG(), jacobian), rtol=1e-9, atol=1e-12)


def test_what_the_inner_balancer_needs_holds_for_the_whole():
    balancer = CRMOGM(PCGrad(at="representation", every=3))
    assert (balancer.needs, balancer.at, balancer.every, balancer.draws) == ("gram", "representation", 3, True)
    balancer = CRMOGM(UncertaintyWeighting())
    assert (balancer.needs, balancer.every, balancer.looks_again) == ("losses", 1, False)
    assert CRMOGM("famo").looks_again


def test_absent_tasks_keep_their_average(rng):
    gram_cases.check_absent(lambda: CRMOGM("imtl_g"), rng)
    balancer = CRMOGM("imtl_g", alpha=0.5)
    run = gram_cases.runner(balancer)
    first, rows = rng.normal(size=(3, 6)), rng.normal(size=(3, 6))
    before = run(first)
    run(rows, present=[True, False, True])
    inner = gram_cases.step(IMTLG(), first)
    np.testing.assert_allclose(run(first)[1], 0.5 * before[1] + 0.5 * inner[1], rtol=1e-12)


def test_the_configuration_makes_the_inner_balancer_again_and_its_state_is_part_of_the_state(rng):
    balancer = CRMOGM(GradVac(beta=0.3, seed=2), alpha=0.4, freeze_after=9)
    gram_cases.check_round_trip(balancer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(balancer))
    assert again.inner.get_config() == balancer.inner.get_config()
    gram_cases.step(balancer, rng.normal(size=(3, 6)))
    assert any(variable is balancer.inner.targets for variable in balancer.variables)
    assert int(balancer.inner.steps.numpy()) == int(balancer.steps.numpy()) == 1


def test_bad_arguments_are_refused():
    for arguments in ({"alpha": 1.0}, {"alpha": -0.1}, {"balancer": "mgdaa"}, {"balancer": IMTLG(freeze_after=3)}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            CRMOGM(**arguments)
    for wrong in (None, 3):
        with pytest.raises(TypeError, match="`balancer`"):
            CRMOGM(wrong)
