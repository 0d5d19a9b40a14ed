"""Gates that choose k experts by smooth binary codes."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.layers import DSelectK


def made(experts=4, **options):
    layer = DSelectK([f"e{index}" for index in range(experts)], ("a", "b"), **{"seed": 0, **options})
    layer.build((None, 1, 5))
    return layer


def smooth_step(values, gamma):
    inside = -2 / gamma**3 * values**3 + 3 / (2 * gamma) * values + 0.5
    return np.where(values <= -gamma / 2, 0, np.where(values >= gamma / 2, 1, inside))


@pytest.mark.parametrize(("experts", "k", "gamma"), [(4, 2, 1.0), (8, 3, 0.5), (2, 1, 2.0)])
def test_gates_are_the_paper_s_for_powers_of_two(experts, k, gamma, rng):
    layer = made(experts, k=k, gamma=gamma)
    layer.set_weights([rng.normal(0, 0.3, weight.shape) for weight in layer.get_weights()])
    x = rng.normal(size=(7, 1, 5)).astype("float32")
    bits = int(math.log2(experts))
    for row, reader in itertools.product(range(7), range(2)):
        numbers = x[row, 0] @ layer.kernel.numpy()[reader] + layer.bias.numpy()[reader]
        steps, shares = smooth_step(numbers[: k * bits].reshape(k, bits), gamma), np.exp(numbers[k * bits :])
        wanted = np.zeros(experts)
        for selector, expert in itertools.product(range(k), range(experts)):
            of_bits = [step if expert >> place & 1 else 1 - step for place, step in enumerate(steps[selector])]
            wanted[expert] += (shares[selector] / shares.sum() if k > 1 else 1) * np.prod(of_bits)
        np.testing.assert_allclose(layer(x)[row, reader], wanted, atol=1e-5)


@pytest.mark.parametrize("experts", range(1, 10))
@pytest.mark.parametrize("per_example", [False, True])
def test_weights_sum_to_one_and_every_expert_can_be_chosen_alone(experts, per_example, rng):
    layer = made(experts, k=1, per_example=per_example)
    x = rng.normal(size=(6, 1, 5)).astype("float32")
    gates = np.asarray(layer(x))
    assert gates.shape == (6, 2, experts) and gates.min() >= 0
    np.testing.assert_allclose(gates.sum(-1), 1, atol=1e-6)
    if experts == 1:
        assert not layer.weights
        return
    chosen = set()
    for code in itertools.product([-0.6, 0.6], repeat=layer.bits):
        layer.set_weights([np.tile(code, (2, 1)), *(np.zeros(weight.shape) for weight in layer.get_weights()[1:])])
        gates = np.asarray(layer(x))
        assert set(gates.ravel()) <= {0.0, 1.0}
        np.testing.assert_array_equal(gates.sum(-1), 1)
        chosen.add(int(gates[0, 0].argmax()))
    assert chosen == set(range(experts))


def test_saturated_codes_leave_exactly_k_weights():
    layer = made(6, k=3, per_example=False)
    codes = [[-1, -1, -1], [1, -1, -1], [-1, 1, 1]]  # Experts 0 and 1, and 6, which is not there: 2 stands for it.
    bias = np.concatenate([np.ravel(codes), [0.0, 1.0, 2.0]])
    layer.set_weights([np.stack([bias, bias])])
    (gates,) = layer.sharing()[:1]
    assert np.count_nonzero(gates) == 3 and set(np.nonzero(gates)[0]) == {0, 1, 2}
    np.testing.assert_allclose(gates[:3], np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum(), rtol=1e-5)


def test_the_penalty_is_the_entropy_of_the_selectors(rng):
    layer = made(4, k=1, entropy=0.3)
    x = rng.normal(size=(6, 1, 5)).astype("float32")
    gates = np.asarray(layer(x))
    (penalty,) = layer.losses
    np.testing.assert_allclose(penalty, -0.3 * (gates * np.log(gates)).sum((1, 2)).mean(), rtol=1e-5)
    layer.set_weights([np.full((2, 2), 5.0), np.zeros((2, 5, 2))])
    layer(x)
    assert layer.losses[0] == 0
    with tf.GradientTape() as tape:
        layer(x)
        penalty = layer.losses[0]
    assert np.all(np.isfinite(tape.gradient(penalty, layer.kernel.value)))
    free = made(4)
    free(x)
    assert not free.losses and not free.reports_loss and layer.reports_loss


def test_the_penalty_drives_codes_to_bits():
    layer = made(5, k=2, per_example=False, entropy=1.0)
    inputs = keras.Input((1, 5))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.02), loss=lambda y, gates: 0 * tf.reduce_sum(gates))
    assert np.count_nonzero(layer.sharing()) == 10
    model.fit(np.zeros((32, 1, 5)), np.zeros((32, 2, 5)), batch_size=1, epochs=4, verbose=0)
    found = layer.sharing()
    assert np.all((found > 0).sum(1) <= 2)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_readers_with_inputs_of_their_own_read_these(rng):
    layer = made(4)
    x = rng.normal(size=(6, 2, 5)).astype("float32")
    both = np.asarray(layer(x))
    for index in range(2):
        np.testing.assert_allclose(both[:, index], layer(x[:, index : index + 1])[:, index], atol=1e-6)
    np.testing.assert_allclose(layer.sharing(x), both.mean(0), atol=1e-6)


def test_a_seed_decides_by_reader():
    one, other = made(4, seed=1), DSelectK(["e0", "e1", "e2", "e3"], ("b",), seed=1)
    other.build((None, 1, 5))
    np.testing.assert_array_equal(one.kernel.numpy()[1], other.kernel.numpy()[0])
    assert not np.array_equal(*one.kernel.numpy())
    assert not np.array_equal(one.kernel.numpy(), made(4, seed=2).kernel.numpy())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 5}, ValueError, "`k` must be a whole number at least 1 and at most 4; received 5"),
        ({"k": 0}, ValueError, "`k`"),
        ({"gamma": 0}, ValueError, "`gamma` must be a finite number above 0"),
        ({"entropy": -1}, ValueError, "`entropy`"),
        ({"per_example": 1}, TypeError, "`per_example` must be True or False"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        made(4, **options)
