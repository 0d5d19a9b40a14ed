"""Fusing the channels of all tasks."""

import numpy as np
import pytest

from mtlzoo.layers import NDDR

TASKS = tuple(f"t{index}" for index in range(5))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (3, 2, 4)])
def test_a_task_reads_the_channels_of_all_side_by_side(count, shape, rng):
    fuse = NDDR(TASKS[:count])
    x = rng.normal(size=(6, count, *shape)).astype("float32")
    fuse.build(x.shape)
    kernel = rng.normal(size=fuse.kernel.shape).astype("float32")
    fuse.kernel.assign(kernel)
    beside = np.concatenate(list(np.moveaxis(x, 1, 0)), axis=-1)
    wanted = np.stack([beside @ np.concatenate(list(mine)) for mine in kernel], axis=1)
    np.testing.assert_allclose(fuse(x), wanted, rtol=1e-4, atol=1e-5)


def test_kernels_start_as_shares_of_the_identity():
    fuse = NDDR(TASKS, own=0.8)
    fuse.build((None, 5, 3))
    for reader in range(5):
        for read in range(5):
            np.testing.assert_allclose(fuse.kernel[reader, read], np.eye(3) * (0.8 if reader == read else 0.05), atol=1e-6)
    alone = NDDR(("t",))
    alone.build((None, 1, 3))
    np.testing.assert_array_equal(alone.kernel[0, 0], np.eye(3))


def test_sharing_is_how_strongly_a_task_reads_another(rng):
    fuse = NDDR(("a", "b"), own=0.7)
    fuse.build((None, 2, 4))
    np.testing.assert_allclose(fuse.sharing(), [[0.7, 0.3], [0.3, 0.7]], rtol=1e-6)
    kernel = rng.normal(size=(2, 2, 4, 4)).astype("float32")
    fuse.kernel.assign(kernel)
    np.testing.assert_allclose(fuse.sharing()[0, 1], np.linalg.norm(kernel[0, 1]) / 2, rtol=1e-5)


def test_what_all_tasks_read_is_fused_too(rng):
    x = rng.normal(size=(4, 1, 3)).astype("float32")
    np.testing.assert_allclose(NDDR(("a", "b"))(x), np.repeat(x, 2, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: NDDR(("a", "b"), own=1.5), ValueError, "`own`"),
        (lambda: NDDR(("a", "a")), ValueError, "`tasks` must be at least one name"),
        (lambda: NDDR(("a", "b"), slices="all"), ValueError, "`slices`"),
        (lambda: NDDR(("a", "b"))(np.ones((4, 3, 5))), ValueError, r"must be \[batch, 2, ...\]"),
        (lambda: NDDR(("a", "b")).build((None, 2, None)), ValueError, "known number of channels"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
