"""Cross-stitch units."""

import numpy as np
import pytest

from mtlzoo.layers import CrossStitch

TASKS = tuple(f"t{index}" for index in range(12))


@pytest.mark.parametrize("count", [2, 12])
@pytest.mark.parametrize("shape", [(5,), (3, 2, 5)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_features_are_mixed_over_tasks(count, shape, per_channel, rng):
    unit = CrossStitch(TASKS[:count], per_channel=per_channel)
    x = rng.normal(size=(4, count, *shape)).astype("float32")
    unit.build(x.shape)
    a = rng.normal(size=unit.units.shape).astype("float32")
    unit.units.assign(a)
    wanted = np.einsum("tsc,bs...c->bt...c" if per_channel else "ts,bs...->bt...", a, x)
    np.testing.assert_allclose(unit(x), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unit.sharing(), a.mean(-1) if per_channel else a, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("per_channel", [False, True])
def test_rows_start_convex_with_the_own_share(per_channel):
    unit = CrossStitch(TASKS[:5], per_channel=per_channel, own=0.8)
    unit.build((None, 5, 3))
    np.testing.assert_allclose(unit.sharing(), np.full((5, 5), 0.05) + 0.75 * np.eye(5), atol=1e-6)
    alone = CrossStitch(("t",), per_channel=per_channel)
    alone.build((None, 1, 3))
    np.testing.assert_array_equal(alone.sharing(), [[1.0]])


def test_what_all_tasks_read_is_mixed_too(rng):
    x = rng.normal(size=(4, 1, 3)).astype("float32")
    np.testing.assert_allclose(CrossStitch(("a", "b"))(x), np.repeat(x, 2, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CrossStitch(("a", "b"), own=1.5), ValueError, "`own`"),
        (lambda: CrossStitch(("a", "b"), per_channel=1), TypeError, "`per_channel` must be True or False"),
        (lambda: CrossStitch(("a", "b"), slices="all"), ValueError, "`slices`"),
        (lambda: CrossStitch(("a", "b"))(np.ones((4, 3, 5))), ValueError, r"must be \[batch, 2, ...\]"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
