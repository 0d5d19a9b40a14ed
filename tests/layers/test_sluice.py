"""Sluice units."""

import numpy as np
import pytest

from mtlzoo.layers import Sluice

TASKS = tuple(f"t{index}" for index in range(5))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(6,), (3, 6), (3, 2, 6)])
@pytest.mark.parametrize("subspaces", [1, 2, 3])
def test_subspaces_are_mixed_over_tasks_and_subspaces(count, shape, subspaces, rng):
    unit = Sluice(TASKS[:count], subspaces=subspaces)
    x = rng.normal(size=(4, count, *shape)).astype("float32")
    unit.build(x.shape)
    a = rng.normal(size=unit.units.shape).astype("float32")
    unit.units.assign(a)
    wanted = np.einsum("igjh,bj...hc->bi...gc", a, x.reshape(*x.shape[:-1], subspaces, -1)).reshape(x.shape)
    np.testing.assert_allclose(unit(x), wanted, rtol=1e-4, atol=1e-5)
    assert unit.sharing()[(count - 1) * subspaces, 0] == a[-1, 0, 0, 0]


def test_rows_start_convex_with_the_own_share_and_have_names():
    unit = Sluice(("a", "b"), subspaces=2, own=0.7)
    unit.build((None, 2, 4))
    np.testing.assert_allclose(unit.sharing(), np.full((4, 4), 0.1) + 0.6 * np.eye(4), atol=1e-6)
    assert unit.sharing_labels == (("a.1", "a.2", "b.1", "b.2"),) * 2
    alone = Sluice(("t",), subspaces=1)
    alone.build((None, 1, 3))
    np.testing.assert_array_equal(alone.sharing(), [[1.0]])


def test_what_all_tasks_read_is_mixed_too(rng):
    x = rng.normal(size=(4, 1, 6)).astype("float32")
    unit = Sluice(("a", "b"), own=0.7)
    low, high = x[:, 0, :3], x[:, 0, 3:]
    wanted = np.concatenate([0.8 * low + 0.2 * high, 0.2 * low + 0.8 * high], axis=-1)
    np.testing.assert_allclose(unit(x), np.stack([wanted, wanted], axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sluice(("a", "b"), own=1.5), ValueError, "`own`"),
        (lambda: Sluice(("a", "b"), subspaces=0), ValueError, "`subspaces`"),
        (lambda: Sluice(("a", "b"), subspaces=1.5), TypeError, "`subspaces`"),
        (lambda: Sluice(("a", "b"), slices="all"), ValueError, "`slices`"),
        (lambda: Sluice(("a", "b"), name="s")(np.ones((4, 2, 5))), ValueError, "`subspaces` must divide the 5 channels that 's' reads"),
        (lambda: Sluice(("a", "b"))(np.ones((4, 3, 4))), ValueError, r"must be \[batch, 2, ...\]"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
