import keras
import numpy as np
import pytest

from mtlzoo.layers import Distillation

KINDS = {"sort": "softmax", "tags": "sigmoid", "size": "linear"}


@pytest.fixture
def teacher():
    x = keras.Input((3,))
    units = {"sort": 4, "tags": 2, "size": 1}
    return keras.Model(x, {name: keras.layers.Dense(units[name], activation=kind)(x) for name, kind in KINDS.items()})


def loss(layer, outputs, x):
    layer([*outputs, x], training=True)
    return float(layer.losses[0])


def kl(p, q):
    return np.sum(p * np.log(p / q), axis=-1)


def test_is_the_divergence_of_tempered_probabilities(teacher, rng):
    x = rng.normal(size=(7, 3)).astype("float32")
    wanted = {name: value.numpy().astype("float64") for name, value in teacher(x).items()}
    found = {"sort": rng.dirichlet(np.ones(4), 7), "tags": rng.uniform(0.1, 0.9, (7, 2)), "size": rng.normal(size=(7, 1))}
    layer = Distillation(teacher, KINDS, coefficient=0.3, temperature=3.0)

    def tempered(p):
        raised = p ** (1 / 3)
        return raised / raised.sum(-1, keepdims=True)

    pair = [np.stack([1 - values["tags"], values["tags"]], -1) for values in (wanted, found)]
    expected = kl(tempered(wanted["sort"]), tempered(found["sort"])).mean() + kl(*map(tempered, pair)).mean()
    expected += ((wanted["size"] - found["size"]) ** 2).mean()
    assert loss(layer, [value.astype("float32") for value in found.values()], x) == pytest.approx(0.3 * expected, rel=1e-4)


def test_is_zero_for_the_teacher_s_own_outputs_and_absent_otherwise(teacher, rng):
    x = rng.normal(size=(7, 3)).astype("float32")
    outputs = [teacher(x)[name] for name in KINDS]
    assert abs(loss(Distillation(teacher, KINDS), outputs, x)) < 1e-6
    for layer, training in ((Distillation(teacher, KINDS, coefficient=0), True), (Distillation(teacher, KINDS), False)):
        found = layer([*outputs, x], training=training)
        assert not layer.losses
        for ours, given in zip(found, outputs, strict=True):
            np.testing.assert_array_equal(ours, given)
    assert not teacher.trainable_variables and Distillation.reports_loss


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"activations": {"sort": "softmax"}}, ValueError, "must have the keys"),
        ({"activations": {**KINDS, "size": "relu"}}, ValueError, "must be one of 'linear', 'sigmoid', 'softmax'"),
        ({"temperature": 0}, ValueError, "`temperature`"),
        ({"coefficient": -1}, ValueError, "`coefficient`"),
        ({"teacher": 3}, TypeError, "`teacher` must be a Keras model"),
    ],
)
def test_bad_arguments_are_refused(teacher, arguments, error, message):
    with pytest.raises(error, match=message):
        Distillation(**{"teacher": teacher, "activations": KINDS, **arguments})
    with pytest.raises(ValueError, match="must be 4 tensors"):
        Distillation(teacher, KINDS)([np.ones((2, 4))])
