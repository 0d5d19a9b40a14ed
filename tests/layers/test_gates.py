"""Softmax gates."""

import numpy as np
import pytest

from mtlzoo.layers import Gates


def test_gates_are_softmaxes_of_their_own_products_and_start_different(rng):
    gates = Gates(("x", "y", "z"), ("a", "b"))
    x = rng.normal(size=(6, 1, 4)).astype("float32")
    found = np.asarray(gates(x))
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)
    for index in range(2):
        (kernel,) = gates.copy_weights(index)
        powers = np.exp(x[:, 0] @ kernel)
        np.testing.assert_allclose(found[:, index], powers / powers.sum(-1, keepdims=True), rtol=1e-5)
    assert not np.allclose(*gates.kernel.numpy())
    np.testing.assert_allclose(gates.sharing(x), found.mean(0), rtol=1e-6)
    assert gates.sharing_labels == (("a", "b"), ("x", "y", "z"))


def test_a_seed_decides_by_reader():
    def kernels(readers, seed):
        gates = Gates(("x", "y"), readers, seed=seed)
        gates.build((None, 1, 4))
        return {name: gates.copy_weights(name)[0] for name in readers}

    np.testing.assert_array_equal(kernels(("a", "b"), 1)["b"], kernels(("b",), 1)["b"])
    assert not np.array_equal(kernels(("a",), 1)["a"], kernels(("a",), 2)["a"])


def test_names_must_be_names():
    with pytest.raises(ValueError, match="`experts` must be at least one name"):
        Gates((), ("a",))
    with pytest.raises(TypeError, match="`readers` must be a sequence of names"):
        Gates(("x",), 3)
