"""Balancers that take preferences: the same weights whether they are given or told."""

import keras
import numpy as np
import pytest

from mtlzoo.balancing import COSMOS, CRMOGM, PBI, STCH
from tests.balancing import steps

KINDS = (COSMOS, PBI, STCH)


@pytest.mark.parametrize("kind", KINDS)
def test_told_preferences_give_the_weights_of_given_ones(kind, rng):
    losses, told = rng.exponential(size=3), keras.Variable(np.zeros(3, "float32"))
    balancer = kind(preferences="told")
    balancer.set_told(told)
    steps.prepared(balancer, 3)
    for _ in range(2):
        shares = rng.dirichlet(np.ones(3)).astype("float32")
        told.assign(shares)
        wanted = steps.weights_of(steps.prepared(kind(preferences=shares.tolist()), 3), losses)
        np.testing.assert_allclose(steps.weights_of(balancer, losses), wanted, rtol=1e-6)
    part = steps.weights_of(balancer, losses, [True, False, True])
    assert part[1] == 0 or kind is PBI  # PBI's absent task has the weight of a loss of 0 off the ray, and no loss to weigh.


@pytest.mark.parametrize("kind", KINDS)
def test_configuration_keeps_told_and_nothing_of_the_model(kind):
    balancer = kind(preferences="told")
    balancer.set_told(keras.Variable([0.5, 0.5]))
    again = kind.from_config(balancer.get_config())
    assert again.reads_preference and again.preferences == "told" and balancer.variables == again.variables
    assert not kind().reads_preference and kind.from_config(kind(preferences=[1.0, 2.0]).get_config()).preferences == [1.0, 2.0]


def test_outside_of_a_model_that_is_told_there_is_an_error():
    with pytest.raises(ValueError, match="works in a model that is told them"):
        steps.weights_of(steps.prepared(COSMOS(preferences="told"), 2), [1.0, 2.0])
    with pytest.raises(TypeError, match="`preferences`"):
        STCH(preferences="asked")


def test_a_balancer_around_it_hands_the_preference_on():
    balancer = CRMOGM(STCH(preferences="told"), alpha=0.0)
    balancer.set_told(keras.Variable([0.2, 0.8]))
    wanted = steps.weights_of(steps.prepared(STCH(preferences=[0.2, 0.8]), 2), [1.0, 2.0])
    assert balancer.reads_preference
    np.testing.assert_allclose(steps.weights_of(steps.prepared(balancer, 2), [1.0, 2.0]), wanted, rtol=1e-6)
