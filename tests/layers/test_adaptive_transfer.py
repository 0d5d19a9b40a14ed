"""Adaptive information transfer, beside the paper written out."""

import numpy as np
import pytest

from mtlzoo.layers import AdaptiveTransfer


def test_equals_the_chain_written_out(rng):
    layer = AdaptiveTransfer(("a", "b", "c"), seed=0)
    q = rng.normal(size=(6, 3, 4)).astype("float32")
    found = layer(q).numpy()
    layer.bias.assign(rng.normal(size=(2, 4)))
    found = layer(q).numpy()
    transfer, bias, projections = (weight.numpy() for weight in layer.weights)
    shares = layer.sharing(q)
    np.testing.assert_array_equal(found[:, 0], q[:, 0])
    np.testing.assert_array_equal(shares[0], [0, 1])
    for row in range(6):
        z = q[row, 0]
        for step in (0, 1):
            value, query, key = np.split(projections[step], 3, axis=-1)
            both = [np.maximum(z @ transfer[step] + bias[step], 0), q[row, step + 1]]
            powers = np.exp([(u @ query) @ (u @ key) / 2 for u in both])
            z = sum(power / powers.sum() * (u @ value) for power, u in zip(powers, both, strict=True))
            np.testing.assert_allclose(found[row, step + 1], z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-6)


def test_one_task_keeps_its_vector_and_has_no_weights(rng):
    layer, q = AdaptiveTransfer(("a",)), rng.normal(size=(6, 1, 4)).astype("float32")
    np.testing.assert_array_equal(layer(q), q)
    assert layer.count_params() == 0 and layer.sharing(q).tolist() == [[0.0, 1.0]]


def test_steps_and_roles_start_different_and_a_seed_decides():
    def weights(seed, tasks=("a", "b", "c")):
        layer = AdaptiveTransfer(tasks, seed=seed)
        layer.build((None, len(tasks), 4))
        assert layer.count_params() == (len(tasks) - 1) * (4 * 4**2 + 4)
        return [weight.numpy() for weight in (layer.transfer, layer.projections)]

    parts = [part for step in (0, 1) for part in (weights(1)[0][step], *np.split(weights(1)[1][step], 3, axis=-1))]
    assert all(not np.allclose(one, other) for index, one in enumerate(parts) for other in parts[:index])
    limit = np.sqrt(6 / 8)
    assert all(0.5 * limit < np.abs(part).max() <= limit for part in parts)
    for ours, theirs, other, without in zip(weights(1), weights(1), weights(2), weights(1, ("a", "c")), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert not np.array_equal(ours, other)
        np.testing.assert_array_equal(ours[1], without[0])


def test_inputs_must_be_vectors_a_task():
    with pytest.raises(ValueError, match=r"must be vectors a task \[batch, 2, features\]; received"):
        AdaptiveTransfer(("a", "b")).build((None, 3, 4))
