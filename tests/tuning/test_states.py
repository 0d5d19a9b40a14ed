"""A state holds all that a training moves; copies are of the same making."""

import keras
import numpy as np
import pytest

from mtlzoo.balancing import CRMOGM
from mtlzoo.tuning import _states
from tests.tuning import small


@pytest.mark.slow
@pytest.mark.parametrize("balancer", ["uncertainty_weighting", "rlw", CRMOGM("famo")], ids=str)
def test_a_training_from_a_restored_state_is_the_same_training(balancer):
    model, data = small.model(balancer=balancer, eager=False), small.data()
    model.optimizer.build(model.trainable_variables)
    start = _states.capture(model)
    ends = []
    for _ in range(2):
        _states.restore(model, start)
        model.alphas = {"b": 0.5}
        _states.fit(model, data, None, first=0, last=2)
        ends.append(_states.capture(model))
    assert sum(not np.array_equal(one, other) for one, other in zip(start, ends[0], strict=True)) > 10
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_copy_has_weights_alphas_and_compilation_and_an_optimizer_of_its_own():
    model = small.model(balancer="famo")
    model.alphas = {"b": 3.0}
    model.optimizer.learning_rate = 0.02
    copy = _states.copy_of(model, balancer="dwa")
    assert dict(copy.alphas) == {"a": 1.0, "b": 3.0} and copy.balancer.name == "dwa" and copy.run_eagerly
    assert float(copy.optimizer.learning_rate) == pytest.approx(0.02) and copy.optimizer is not model.optimizer
    assert copy.builder["name"] == "hard_sharing" and [task.name for task in copy.tasks] == ["a", "b"]
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    copy.layers[-1].set_weights([0 * weight for weight in copy.layers[-1].get_weights()])
    assert np.any(model.layers[-1].get_weights()[0] != 0)


def test_models_built_alike_have_one_recipe_and_others_another():
    recipe = _states.recipe(_states.check_compiled(small.model()))
    assert recipe == _states.recipe(_states.check_compiled(small.model()))
    other = _states.recipe(_states.check_compiled(small.model(balancer="famo")))
    assert other["model"] != recipe["model"]
    moved = _states.check_compiled(small.model())
    moved.layers[-1].set_weights([weight + 1 for weight in moved.layers[-1].get_weights()])
    assert _states.recipe(moved)["model"] == recipe["model"] and _states.recipe(moved)["start weights"] != recipe["start weights"]
    with pytest.raises(TypeError, match="`model` must be a compiled MultiTaskModel"):
        _states.check_compiled(keras.Sequential())
