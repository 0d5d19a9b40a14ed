import numpy as np
import pytest
from keras import ops

from mtlzoo.layers import Adapter


@pytest.mark.parametrize("shape", [(4,), (3, 4), (5, 5, 4)])
def test_starts_as_the_identity_and_is_two_products_beside_it(shape, rng):
    adapter, x = Adapter(3), rng.normal(size=(6, *shape)).astype("float32")
    np.testing.assert_array_equal(adapter(x), x)
    adapter.set_weights([rng.normal(size=weight.shape) for weight in adapter.get_weights()])
    down, down_bias, up, up_bias = adapter.get_weights()
    wanted = x + np.maximum(x @ down + down_bias, 0) @ up + up_bias
    np.testing.assert_allclose(ops.convert_to_numpy(adapter(x)), wanted, rtol=1e-4, atol=1e-5)
    assert adapter.count_params() == 2 * 3 * 4 + 3 + 4


def test_the_seed_and_the_name_decide_the_start():
    made = [Adapter(3, seed=seed, name=name) for seed, name in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))]
    for adapter in made:
        adapter.build((None, 4))
    first, again, other, named = (adapter.get_weights()[0] for adapter in made)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other) and not np.allclose(first, named)


@pytest.mark.parametrize(("arguments", "error"), [({"size": 0}, ValueError), ({"size": 2, "seed": "x"}, TypeError)])
def test_bad_arguments_are_refused(arguments, error):
    with pytest.raises(error, match="`size`|`seed`"):
        Adapter(**arguments)
    with pytest.raises(ValueError, match="known last axis"):
        Adapter(2).build((None, None))
