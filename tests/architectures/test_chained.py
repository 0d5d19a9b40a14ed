"""Chains and graphs of conditions: known answers of their own."""

import itertools

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.architectures import chained, conditionals, hard_sharing
from tests import helpers

BINARY = [Task.binary(name) for name in ("a", "b", "c", "d")]
DIAMOND = {"d": ["b", "c"], "b": ["a"], "c": ["a"]}


def build(tasks=BINARY, builder=chained, inputs=(5,), **arguments):
    return builder(inputs, tasks, **{"trunk": trunks.mlp((8, 6)), "seed": 0, **arguments})


def rows(rng, count=40):
    return 3 * rng.normal(size=(count, 5)).astype("float32")


def probabilities(model, x):
    """Outputs and conditionals, each a dict of task name to [rows]."""
    return ({name: values[:, 0] for name, values in one.predict(x, verbose=0).items()} for one in (model, conditionals(model)))


def test_a_chain_is_the_product_of_its_factors(rng):
    outputs, factors = probabilities(build(tower=(4,)), rows(rng))
    product = np.ones(40)
    for name in "abcd":
        product = product * factors[name]
        np.testing.assert_allclose(outputs[name], product, rtol=1e-5)
    assert np.ptp(outputs["d"]) > 0.01


@pytest.mark.parametrize("parents", [DIAMOND, {"b": ["a"], "c": ["b"]}, {"c": ["a", "b"], "d": ["c"]}, {"a": ["d"], "b": ["d"], "c": []}])
def test_marginals_are_those_of_the_whole_table(parents, rng):
    outputs, factors = probabilities(build(parents=parents), rows(rng))
    marginals = dict.fromkeys("abcd", 0.0)
    for happened in itertools.product([0, 1], repeat=4):
        happened, chance = dict(zip("abcd", happened, strict=True)), 1.0
        for name in "abcd":
            possible = all(happened[parent] for parent in parents.get(name, ()))
            rate = factors[name] if possible else 0.0
            chance = chance * (rate if happened[name] else 1 - rate)
        for name in "abcd":
            marginals[name] = marginals[name] + happened[name] * chance
    for name in "abcd":
        np.testing.assert_allclose(outputs[name], marginals[name], rtol=1e-5)


def test_a_chain_is_the_graph_of_it_and_the_default_is_the_order_of_the_tasks(rng):
    x = rows(rng)
    wanted = build().predict(x, verbose=0)
    for arguments in ({"chain": ["a", "b", "c", "d"]}, {"parents": {"b": ["a"], "c": ["b"], "d": ["c"]}}):
        for name, output in build(**arguments).predict(x, verbose=0).items():
            np.testing.assert_array_equal(output, wanted[name])


@pytest.mark.parametrize("tasks", [[Task.binary("a")], [Task.multiclass("k", 3), Task.binary("a"), Task.regression("r")]])
def test_with_fewer_than_two_binary_tasks_it_is_hard_sharing(tasks, rng):
    x, y = rows(rng), helpers.labels_for(tasks, 40, rng)
    ours, theirs = build(tasks), build(tasks, hard_sharing)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert ours.fit(x, y, epochs=2, verbose=0).history == theirs.fit(x, y, epochs=2, verbose=0).history


def test_roots_and_tasks_outside_are_those_of_hard_sharing(rng):
    tasks, x = [*BINARY, Task.multiclass("k", 3), Task.regression("r", 2)], rows(rng)
    ours, theirs = build(tasks, chain=["b", "a"], tower=(4,)), build(tasks, hard_sharing, tower=(4,))
    assert ours.count_params() == theirs.count_params() == (5 * 8 + 8) + (8 * 6 + 6) + 6 * (6 * 4 + 4) + (4 + 2 + 3) * (4 + 1)
    found, wanted = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    for name in "bcdkr":
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-6)
    np.testing.assert_allclose(found["a"], wanted["a"] * wanted["b"], rtol=1e-5)


def test_logits_as_outputs_are_those_of_the_product(rng):
    tasks = [Task.binary("a"), Task.binary("b", from_logits=True)]
    model, x = build(tasks), rows(rng)
    _, factors = probabilities(model, x)
    product = factors["a"] * factors["b"]
    np.testing.assert_allclose(model.predict(x, verbose=0)["b"][:, 0], np.log(product / (1 - product)), atol=1e-5)


def test_the_loss_is_exact_where_probabilities_are_0_or_1_in_float32():
    model = build(BINARY[:2])
    for name, bias in (("a", -200.0), ("b", -300.0)):
        layer = model.get_layer(f"{name}_logits")
        layer.set_weights([np.zeros((6, 1)), np.array([bias])])
    x, y = np.zeros((4, 5), "float32"), {name: np.ones(4, "float32") for name in "ab"}
    logs = model.evaluate(x, y, return_dict=True, verbose=0)
    assert logs["a_loss"] == pytest.approx(200) and logs["b_loss"] == pytest.approx(500)
    model.compile("sgd")
    model.fit(x, y, verbose=0)  # At a rate of 0.01 the slopes are −2 and −1.
    assert model.get_layer("a_logits").bias.numpy()[0] == pytest.approx(-200 + 0.02)
    assert model.get_layer("b_logits").bias.numpy()[0] == pytest.approx(-300 + 0.01)


def test_every_factor_of_an_output_reads_the_task_s_own_input(rng):
    model = build(BINARY[:3], inputs=dict.fromkeys("abc", (5,)))
    x = {f"{name}_input": rows(rng) for name in "abc"}
    same = dict.fromkeys(x, x["c_input"])
    np.testing.assert_array_equal(model.predict(x, verbose=0)["c"], model.predict(same, verbose=0)["c"])
    outputs, factors = probabilities(model, same)
    np.testing.assert_allclose(outputs["c"], factors["a"] * factors["b"] * factors["c"], rtol=1e-5)


@pytest.mark.parametrize("balancer", ["pcgrad", "uncertainty_weighting"])
def test_heads_that_serve_descendants_count_as_shared(balancer, rng):
    model = build(BINARY[:3], balancer=balancer)
    x, y = rows(rng), helpers.labels_for(BINARY[:3], 40, rng)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])
    from mtlzoo._sharing import Sharing

    sharing = Sharing(model)
    own = {model.trainable_variables[index].path for part in sharing.own for index in part}
    assert own == {"c_logits/kernel", "c_logits/bias"}


def test_a_saved_model_keeps_its_graph(rng, tmp_path):
    model, x = build(parents=DIAMOND), rows(rng)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(probabilities(model, x), probabilities(loaded, x), strict=True):
        for name in "abcd":
            np.testing.assert_array_equal(ours[name], theirs[name])
    again = mtlzoo.architectures.rebuild(loaded)
    assert again.builder["arguments"]["parents"] == {"d": ["b", "c"], "b": ["a"], "c": ["a"]}


TASKS = [*BINARY, Task.regression("r"), Task.regression("share", activation="sigmoid")]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"parents": {"a": ["b"], "b": ["c"], "c": ["a"]}}, ValueError, r"`parents` must have no cycle; received \w ← \w ← \w ← \w"),
        ({"parents": {"a": ["a"]}}, ValueError, "`parents` must have no cycle; received a ← a"),
        ({"parents": {"bb": ["a"]}}, ValueError, r"`parents key` must be one of .*'bb'\. Did you mean 'b'"),
        ({"parents": {"b": ["aa"]}}, ValueError, r"`parents\['b'\]` must be one of .*'aa'\. Did you mean 'a'"),
        ({"parents": {"b": "a"}}, TypeError, r"`parents\['b'\]` must be a sequence of task names"),
        ({"parents": {"b": ["a", "a"]}}, ValueError, "must name each task once; received 'a' 2 times"),
        ({"parents": [("a", "b")]}, TypeError, "`parents` must be a dict"),
        ({"parents": {"b": ["r"]}}, ValueError, "`parents` must name binary tasks .*'r' is a regression task"),
        ({"chain": ["a", "share"]}, ValueError, "`chain` must name binary tasks .*'share' is a regression task"),
        ({"chain": ["a", "b", "a"]}, ValueError, "`chain` must name each task once"),
        ({"chain": ["a", "e"]}, ValueError, "`chain` must be one of"),
        ({"chain": "ab"}, TypeError, "`chain` must be a sequence of task names"),
        ({"chain": ["a", "b"], "parents": {"b": ["a"]}}, ValueError, "give one of them"),
        ({"balancer": "rotograd"}, ValueError, "rotates one shared representation"),
        ({"balancer": mtlzoo.balancing.PCGrad(at="representation")}, ValueError, "must have at='parameters'"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build(TASKS, **arguments)
