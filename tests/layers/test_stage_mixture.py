"""Mixtures over stages."""

import numpy as np
import pytest

from mtlzoo.layers import StageMixture


@pytest.mark.parametrize("shape", [(4,), (3, 2, 4)])
def test_each_task_mixes_its_own_stages(shape, rng):
    mixture = StageMixture(("a", "b"), ("low", "middle", "high"))
    x = rng.normal(size=(3, 5, 2, *shape)).astype("float32")
    mixture.build([x.shape[1:]] * 3)
    b = rng.normal(size=(2, 3)).astype("float32")
    mixture.beta.assign(b)
    np.testing.assert_allclose(mixture(list(x)), np.einsum("ts,sbt...->bt...", b, x), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(mixture.sharing(), b)
    assert mixture.sharing_labels == (("a", "b"), ("low", "middle", "high")) and mixture.slices == "tasks"


def test_rows_start_convex_with_the_share_of_the_last_stage():
    mixture = StageMixture(("a", "b"), ("low", "middle", "high"), last=0.8)
    mixture.build([(None, 2, 4)] * 3)
    np.testing.assert_allclose(mixture.sharing(), [[0.1, 0.1, 0.8]] * 2, atol=1e-6)
    alone = StageMixture(("a",), ("only",))
    alone.build([(None, 1, 4)])
    np.testing.assert_array_equal(alone.sharing(), [[1.0]])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StageMixture(("a",), ("low",), last=1.5), ValueError, "`last`"),
        (lambda: StageMixture(("a",), ()), ValueError, "`stages` must be at least one name"),
        (lambda: StageMixture(("a",), ("x", "y"))([np.ones((4, 1, 5))]), ValueError, "must be 2 tensors of one shape"),
        (lambda: StageMixture(("a",), ("x", "y"))([np.ones((4, 1, 5)), np.ones((4, 1, 6))]), ValueError, "must be 2 tensors of one shape"),
        (lambda: StageMixture(("a", "b"), ("x",))([np.ones((4, 1, 5))]), ValueError, r"one shape \[batch, 2, ...\]"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
