"""Weighted sums of the experts' features."""

import numpy as np
import pytest

from mtlzoo.layers import Mixture


@pytest.mark.parametrize("shape", [(4,), (3, 3, 2)])
def test_features_of_any_shape_are_summed_with_the_gates(shape, rng):
    gates, features = rng.random((5, 2, 3)).astype("float32"), rng.normal(size=(5, 3, *shape)).astype("float32")
    found = Mixture()([gates, features])
    np.testing.assert_allclose(found, np.einsum("bte,be...->bt...", gates, features), rtol=1e-4, atol=1e-6)


def test_other_numbers_of_experts_are_refused(rng):
    with pytest.raises(ValueError, match=r"received the shapes \(5, 2, 3\) and \(5, 4, 6\)"):
        Mixture()([rng.random((5, 2, 3)), rng.random((5, 4, 6))])
