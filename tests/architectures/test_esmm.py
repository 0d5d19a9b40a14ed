"""ESMM: known answers of its own. That its conversion rate is unbiased is tested beside ESCM²."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, trunks
from mtlzoo.architectures import chained, conditionals, esmm, hard_sharing
from tests import helpers

TASKS = [Task.regression("price"), Task.binary("click"), Task.binary("buy"), Task.binary("like")]


def build(builder=esmm, tasks=TASKS, **arguments):
    return builder((5,), tasks, **{"trunk": trunks.mlp((8, 6)), "tower": (4,), "seed": 0, **arguments})


def test_a_conversion_is_never_more_likely_than_a_click(rng):
    model = build()
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    found = model.predict(rng.normal(size=(5000, 5)), verbose=0)
    assert np.all(found["buy"] <= found["click"])
    assert 0.05 < np.mean(found["buy"] < found["click"]) < 1


def test_is_the_product_of_both_rates_and_leaves_other_tasks_alone(rng):
    x = rng.normal(size=(30, 5)).astype("float32")
    model, hard = build(), build(hard_sharing)
    assert model.count_params() == hard.count_params() == (5 * 8 + 8) + (8 * 6 + 6) + 4 * ((6 * 4 + 4) + (4 + 1))
    found, rates, plain = (one.predict(x, verbose=0) for one in (model, conditionals(model), hard))
    np.testing.assert_allclose(found["buy"], rates["click"] * rates["buy"], rtol=1e-5)
    for name in TASKS:
        np.testing.assert_allclose(rates[name.name], plain[name.name], atol=1e-6)


@pytest.mark.parametrize(
    ("given", "pair"),
    [
        ({}, ("click", "buy")),
        ({"click": "buy"}, ("buy", "click")),
        ({"conversion": "click"}, ("buy", "click")),
        ({"click": "like", "conversion": "buy"}, ("like", "buy")),
    ],
)
def test_is_a_chain_of_two(given, pair, rng):
    x, y = rng.normal(size=(32, 5)).astype("float32"), helpers.labels_for(TASKS, 32, rng)
    ours, theirs = build(**given), build(chained, chain=pair)
    assert ours.fit(x, y, verbose=0).history == theirs.fit(x, y, verbose=0).history


def test_both_losses_run_over_all_rows_and_train_the_rate(rng):
    model = build(tasks=TASKS[1:3], trunk=trunks.mlp((3,)), tower=(), optimizer=keras.optimizers.Adam(0.05))
    x = np.zeros((1000, 5), "float32")
    click = np.arange(1000) < 300
    y = {"click": click.astype("float32"), "buy": (np.arange(1000) < 60).astype("float32")}
    model.fit(x, y, batch_size=1000, epochs=300, verbose=0)
    rates = conditionals(model).predict(x[:1], verbose=0)
    assert rates["click"][0, 0] == pytest.approx(0.3, abs=1e-3) and rates["buy"][0, 0] == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": [Task.binary("click"), Task.regression("buy")]}, r"`tasks` must hold two binary tasks.*\('buy', 'regression'\)"),
        ({"click": "clik"}, "`click` must be one of .*Did you mean 'click'"),
        ({"conversion": "price"}, "`conversion` must name binary tasks .*'price' is a regression task"),
        ({"click": "buy", "conversion": "buy"}, "must be two tasks; received 'buy' for both"),
        ({"balancer": "rotograd"}, "rotates one shared representation"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
