"""Counterfactual losses: their values, what they train, and that they are right on the average."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import Counterfactual

NAMES = {"click": "o", "conversion": "y"}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(layer, logits, click, conversion, weights=None):
    layer([tf.reshape(tf.cast(part, "float32"), (-1, 1)) for part in logits])
    layer.read_labels({"o": tf.constant(click, "float32"), "y": tf.constant(conversion, "float32")}, weights)
    (value,) = layer.losses
    return value


def slow(estimator, logits, click, conversion, clip):
    """The formulas as they stand, one row after the other."""
    values = []
    for rate, seen, imputed, o, y in zip(*logits, click, conversion, strict=True):
        r, share, guessed = sigmoid(rate), max(sigmoid(seen), clip), sigmoid(imputed)
        e, guess = (-label * np.log(r) - (1 - label) * np.log(1 - r) for label in (y, guessed))
        if estimator == "ipw":
            values.append(o * e / share)
        else:
            values.append(guess + o * (e - guess) / share + o * (e - guess) ** 2 / share)
    return np.array(values)


@pytest.mark.parametrize("estimator", ["ipw", "dr"])
def test_equals_the_formula_over_the_rows_whose_labels_are_there(estimator, rng):
    logits = 2 * rng.normal(size=(3, 40))
    click, there = rng.integers(0, 2, 40), rng.integers(0, 2, (2, 40)).astype("float32")
    conversion = click * rng.integers(0, 2, 40)
    layer = Counterfactual(estimator, weight=0.5, clip=0.3, **NAMES)
    read = logits[: 3 if estimator == "dr" else 2]
    wanted = slow(estimator, logits, click, conversion, 0.3)
    assert float(loss(layer, read, click, conversion)) == pytest.approx(0.5 * wanted.mean(), rel=1e-4)
    rows = np.where(click > 0, there[0] * there[1], there[0])
    gaps = [np.where(weight > 0, label, np.nan) for weight, label in zip(there, (click, conversion), strict=True)]
    found = float(loss(layer, read, *gaps, dict(zip("oy", there, strict=True))))
    assert found == pytest.approx(0.5 * (rows * wanted).sum() / rows.sum(), rel=1e-4)
    assert float(loss(layer, read, click, conversion, {"o": np.zeros(40), "y": np.ones(40)})) == 0


@pytest.mark.parametrize(
    ("estimator", "propensity", "imputed", "right"),
    [("ipw", "true", None, True), ("dr", "true", "wrong", True), ("dr", "wrong", "true", True), ("ipw", "wrong", None, False)],
)
def test_the_slope_of_the_rate_is_right_on_the_average_over_all_that_could_happen(estimator, propensity, imputed, right):
    """For a row clicked with 0.2 that converts with 0.7 it is σ(r̂) − 0.7, although conversions of clicks alone are seen."""
    seen, converts, rate = 0.2, 0.7, tf.constant([[0.4]])
    logit = {"true": {"o": np.log(seen / (1 - seen)), "y": np.log(converts / (1 - converts))}, "wrong": {"o": 0.3, "y": -1.0}}
    read = [rate, tf.constant([[logit[propensity]["o"]]], "float32")]
    read += [tf.constant([[logit[imputed]["y"]]], "float32")] if imputed else []
    layer, mean = Counterfactual(estimator, **NAMES), 0.0
    for o, y in itertools.product([0, 1], repeat=2):
        with tf.GradientTape() as tape:
            tape.watch(rate)
            layer(read)
            layer.read_labels({"o": tf.constant([o]), "y": tf.constant([o * y])})
            (value,) = layer.losses
        chance = (seen if o else 1 - seen) * (converts if y else 1 - converts)
        mean += chance * float(tape.gradient(value, rate)[0, 0])
    assert (abs(mean - (sigmoid(0.4) - converts)) < 1e-5) == right


def test_propensities_are_held_and_the_tower_learns_from_the_second_mean_alone():
    logits = [tf.constant([[value]]) for value in (0.8, -0.5, 0.3)]
    layer = Counterfactual("dr", **NAMES)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        layer(logits)
        layer.read_labels({"o": tf.constant([1.0]), "y": tf.constant([1.0])})
        (value,) = layer.losses
    rate, propensity, imputed = tape.gradient(value, logits)
    share, guess = sigmoid(-0.5), sigmoid(0.3)
    assert propensity is None or float(propensity[0, 0]) == 0
    assert float(rate[0, 0]) == pytest.approx(sigmoid(0.8) - guess + (guess - 1) / share, rel=1e-5)
    assert float(imputed[0, 0]) == pytest.approx(2 * 0.8**2 * (guess - 1) * guess * (1 - guess) / share, rel=1e-5)


def test_labels_that_are_read_again_take_the_place_of_the_first(rng):
    layer, logits = Counterfactual(**NAMES), rng.normal(size=(2, 8))
    first = float(loss(layer, logits, np.ones(8), np.zeros(8)))
    layer.read_labels({"o": np.ones((8, 1)), "y": np.zeros((8, 1))})
    assert [float(value) for value in layer.losses] == [first]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Counterfactual("drr"), ValueError, "`estimator` must be one of 'dr', 'ipw'; received 'drr'"),
        (lambda: Counterfactual(weight=0), ValueError, "`weight` must be a finite number above 0"),
        (lambda: Counterfactual(clip=0), ValueError, "`clip` must be a finite number above 0 and at most 1"),
        (lambda: Counterfactual(click=3), TypeError, "`click` must be the name of a task"),
        (lambda: Counterfactual("dr")([keras.ops.ones((2, 1))] * 2), ValueError, r"must be a list of 3 tensors \[batch, 1\]"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
