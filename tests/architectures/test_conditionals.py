"""The factors behind joint probabilities."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, trunks
from mtlzoo.architectures import chained, conditionals, hard_sharing

TASKS = [Task.binary("click"), Task.binary("buy", from_logits=True), Task.regression("price")]


def test_gives_each_task_s_own_head_with_the_weights_of_the_model(rng):
    model = chained((5,), TASKS, trunk=trunks.mlp((4,)), seed=0)
    x = rng.normal(size=(12, 5)).astype("float32")
    rates = conditionals(model)
    assert list(rates.output) == ["click", "buy", "price"]
    read = keras.Model(model.input, [model.get_layer("click_logits").output, model.get_layer("buy_logits").output])
    for _ in range(2):
        found = rates.predict(x, verbose=0)
        for name, logits in zip(("click", "buy"), read.predict(x, verbose=0), strict=True):
            np.testing.assert_allclose(found[name], 1 / (1 + np.exp(-logits)), rtol=1e-5)
        np.testing.assert_array_equal(found["price"], model.predict(x, verbose=0)["price"])
        model.set_weights([weight + 0.1 for weight in model.get_weights()])


def test_leaves_the_model_as_it_was(tmp_path):
    model = chained((5,), TASKS, trunk=trunks.mlp((4,)), seed=0)
    before = model.to_json()
    conditionals(model)
    assert model.to_json() == before


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="`model` must have joint probabilities as outputs"):
        conditionals(hard_sharing((5,), TASKS))
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel"):
        conditionals("chained")
