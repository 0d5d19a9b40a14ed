"""ESCM²: known answers of its own, and that conversion rates are unbiased on clicks that are missing not at random."""

import keras
import numpy as np
import pytest

from benchmarks import funnel
from mtlzoo import Task, trunks
from mtlzoo.architectures import conditionals, escm2, esmm
from mtlzoo.layers import Counterfactual
from tests import helpers

TASKS = [Task.regression("price"), Task.binary("click"), Task.binary("buy", alpha=0.5)]


def build(builder=escm2, inputs=(5,), tasks=TASKS, **arguments):
    return builder(inputs, tasks, **{"trunk": trunks.mlp((8, 6)), "tower": (4,), "seed": 0, **arguments})


def data(rng, rows=64):
    x, y = rng.normal(size=(rows, 5)).astype("float32"), helpers.labels_for(TASKS, rows, rng)
    y["buy"] = y["buy"] * y["click"]
    return x, y


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_rates_are_unbiased_where_a_tower_of_the_clicked_rows_is_not(seed):
    x, labels, rate = funnel.simulated("items", 20_000, seed)
    found = {method: funnel.fitted(method, "items", x, labels, seed) for method in ("naive", "esmm", "escm2 ipw", "escm2 dr")}
    bias = {method: said.mean() - rate.mean() for method, said in found.items()}
    assert bias.pop("naive") > 0.06
    assert max(abs(value) for value in bias.values()) < 0.04, bias
    happened = np.random.default_rng(seed + 2).uniform(size=len(rate)) < rate
    naive = funnel.auc(found.pop("naive"), happened)
    assert all(funnel.auc(said, happened) > naive for said in found.values())


@pytest.mark.parametrize("estimator", ["ipw", "dr"])
def test_is_esmm_with_one_more_loss(estimator, rng):
    model, plain, (x, y) = build(estimator=estimator), build(esmm), data(rng)
    tower = (6 * 4 + 4) + (4 + 1)
    assert model.count_params() == plain.count_params() + (tower if estimator == "dr" else 0)
    for name, output in plain.predict(x, verbose=0).items():
        np.testing.assert_array_equal(model.predict(x, verbose=0)[name], output)
    ours, theirs = (one.evaluate(x, y, batch_size=64, return_dict=True, verbose=0) for one in (model, plain))
    assert ours["loss"] == pytest.approx(theirs["loss"] + ours["counterfactual_loss"], rel=1e-5)
    if estimator == "ipw":
        rates = {name: values[:, 0] for name, values in conditionals(model).predict(x, verbose=0).items()}
        error = -np.log(np.where(y["buy"] > 0, rates["buy"], 1 - rates["buy"]))
        wanted = np.mean(y["click"] * error / np.maximum(rates["click"], 0.05))
        assert ours["counterfactual_loss"] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("balancer", [None, "uncertainty_weighting", "pcgrad"])
def test_the_loss_trains_rate_and_tower_and_is_not_weighed(balancer, rng):
    (x, y), moved = data(rng), {}
    for weight in (1.0, 2.0):
        estimator = Counterfactual("dr", weight=weight)
        model = build(estimator=estimator, balancer=balancer, optimizer=keras.optimizers.SGD(0.01))
        model.alphas = dict.fromkeys(("price", "click", "buy"), 0.0)
        before = helpers.named_weights(model)
        logs = model.fit(x, y, batch_size=64, verbose=0).history
        assert logs["loss"] == logs["counterfactual_loss"]
        moved[weight] = {path: value - before[path] for path, value in helpers.named_weights(model).items()}
    still = {path.split("/")[0] for path, change in moved[1.0].items() if not np.any(change)}
    assert still == {"click_tower1", "click_logits", "price_tower1", "price"}
    for path, change in moved[1.0].items():
        np.testing.assert_allclose(moved[2.0][path], 2 * change, rtol=2e-2, atol=1e-6, err_msg=path)


def test_missing_labels_are_left_out(rng):
    model, (x, y) = build(), data(rng)
    weights = {name: np.ones(64, "float32") for name in y}
    weights["click"][:10], weights["buy"][10:20] = 0, 0
    rows = (weights["click"] > 0) & ((weights["buy"] > 0) | (y["click"] == 0))
    found = model.evaluate(x, y, sample_weight=weights, batch_size=64, return_dict=True, verbose=0)
    alone = model.evaluate(x[rows], {name: label[rows] for name, label in y.items()}, batch_size=64, return_dict=True, verbose=0)
    assert 10 < rows.sum() < 54 and found["counterfactual_loss"] == pytest.approx(alone["counterfactual_loss"], rel=1e-5)


def test_an_estimator_of_one_s_own_is_copied_and_saved(rng, tmp_path):
    given, (x, y) = Counterfactual("ipw", weight=0.5, clip=0.2, name="mine"), data(rng)
    models = [build(estimator=given), build(estimator=given, click="buy", conversion="click")]
    layers = [model.get_layer("counterfactual") for model in models]
    assert [(layer.click, layer.conversion, layer.weight, layer.clip) for layer in layers] == [
        ("click", "buy", 0.5, 0.2),
        ("buy", "click", 0.5, 0.2),
    ]
    models[0].save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = (model.evaluate(x, y, return_dict=True, verbose=0) for model in (models[0], loaded))
    assert ours == theirs and "counterfactual_loss" in ours


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"estimator": "iwp"}, ValueError, "`estimator` must be one of 'dr', 'ipw'; received 'iwp'. Did you mean"),
        ({"estimator": 3}, TypeError, "`estimator` must be 'ipw', 'dr' or a mtlzoo.layers.Counterfactual"),
        ({"inputs": {"price": (5,), "click": (5,), "buy": (5,)}}, ValueError, "labels of click and conversion must be of the same rows"),
        ({"tasks": TASKS[:2]}, ValueError, "`tasks` must hold two binary tasks"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)
