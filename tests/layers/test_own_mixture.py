"""Weighted sums of own and shared experts."""

import numpy as np
import pytest

from mtlzoo.layers import OwnMixture


@pytest.mark.parametrize("shape", [(4,), (3, 3, 2)])
@pytest.mark.parametrize("own", [1, 3])
def test_readers_sum_their_own_experts_and_the_shared_ones(shape, own, rng):
    gates = rng.random((5, 2, own + 2)).astype("float32")
    mine, shared = (rng.normal(size=(5, count, *shape)).astype("float32") for count in (2 * own, 2))
    found = np.asarray(OwnMixture()([gates, mine, shared]))
    assert found.shape == (5, 2, *shape)
    for reader in range(2):
        read = np.concatenate([mine[:, reader * own : (reader + 1) * own], shared], axis=1)
        np.testing.assert_allclose(found[:, reader], np.einsum("be,be...->b...", gates[:, reader], read), rtol=1e-4, atol=1e-5)


def test_other_numbers_of_experts_are_refused(rng):
    with pytest.raises(ValueError, match=r"received the shapes \(5, 2, 3\), \(5, 2, 6\) and \(5, 1, 6\)"):
        OwnMixture()([rng.random((5, 2, 3)), rng.random((5, 2, 6)), rng.random((5, 1, 6))])
