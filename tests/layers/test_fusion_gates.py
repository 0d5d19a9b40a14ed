"""Softmax gates with weights of the reader's own experts on top."""

import numpy as np
import pytest

from mtlzoo.layers import FusionGates, Gates

EXPERTS = tuple(f"e{index}" for index in range(6))


@pytest.mark.parametrize(("own", "first", "places"), [(1, 0, [[0], [1]]), (2, 0, [[0, 1], [2, 3]]), (2, 2, [[2, 3], [4, 5]])])
def test_own_experts_weigh_more_by_their_own_weights(own, first, places, rng):
    gates, plain = FusionGates(EXPERTS, ("a", "b"), own=own, first=first, seed=0), Gates(EXPERTS, ("a", "b"), seed=0)
    x = rng.normal(size=(6, 1, 4)).astype("float32")
    soft = np.asarray(plain(x))
    wanted = np.zeros((2, 6))
    for reader in range(2):
        wanted[reader, places[reader]] = 1 / own
    np.testing.assert_allclose(gates(x) - soft, np.broadcast_to(wanted, soft.shape), atol=1e-6)
    values = rng.normal(size=(2, own)).astype("float32")
    gates.native.assign(values)
    for reader in range(2):
        wanted[reader, places[reader]] = values[reader]
    np.testing.assert_allclose(gates(x) - soft, np.broadcast_to(wanted, soft.shape), atol=1e-6)
    np.testing.assert_allclose(gates.sharing(x), soft.mean(0) + wanted, atol=1e-6)


def test_weights_of_one_reader_can_be_read_and_set(rng):
    gates = FusionGates(EXPERTS, ("a", "b"), own=3)
    gates.build((None, 1, 4))
    gates.set_copy_weights("b", [np.ones((4, 6)), np.full(3, 2.0)])
    kernel, native = gates.copy_weights("b")
    assert np.all(kernel == 1) and native.tolist() == [2, 2, 2]
    np.testing.assert_allclose(gates.copy_weights("a")[1], 1 / 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"own": 4}, "`experts` must hold 4 own experts of 2 readers from place 0 on; received 6"),
        ({"own": 0}, "`own`"),
        ({"own": 1, "first": -1}, "`first`"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FusionGates(EXPERTS, ("a", "b"), **options)
