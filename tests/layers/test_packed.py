import keras
import numpy as np
import pytest

from mtlzoo.layers import Packed, StackedDense

LAYERS = {
    "dense": (lambda: keras.layers.Dense(3, activation="relu", bias_initializer="normal"), (5,)),
    "conv": (lambda: keras.layers.Conv2D(3, 2, padding="same", bias_initializer="normal"), (4, 4, 2)),
    "stacked": (lambda: StackedDense(keras.layers.Dense(3, bias_initializer="normal"), 2), (2, 5)),
}


@pytest.mark.parametrize("kind", list(LAYERS))
def test_a_route_is_the_layer_with_the_groups_so_far_at_their_places(kind, rng):
    make, shape = LAYERS[kind]
    layer, x = make(), rng.normal(size=(6, *shape)).astype("float32")
    packed = Packed(layer, (4, 3))
    np.testing.assert_array_equal(packed(x, route=0), layer(x))
    kernel = np.array(layer.kernel.numpy())
    places = rng.permutation(kernel.size)[:7].astype("int32")
    for values, there, part in zip(packed.values, packed.places, (places[:4], places[4:]), strict=True):
        values.assign(rng.normal(size=len(part)))
        there.assign(part)
    for route in (0, 1, 2):
        plain = make()
        plain.build((None, *shape))
        plain.set_weights(layer.get_weights())
        changed = np.array(kernel)
        for values, there in zip(packed.values[:route], packed.places[:route], strict=True):
            changed.reshape(-1)[there.numpy()] += values.numpy()
        plain.kernel.assign(changed)
        np.testing.assert_allclose(packed(x, route=route).numpy(), plain(x).numpy(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(packed.kernel_of(route), changed, atol=1e-6)
    np.testing.assert_array_equal(packed(x), packed(x, route=2))
    assert [variable.path.split("/")[-1] for variable in packed.trainable_variables] == ["values2"]
    assert [packed.group(variable) for variable in (layer.kernel, packed.values[0], packed.places[1])] == [0, 1, 2]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="must have a kernel"):
        Packed(keras.layers.ReLU(), (1,))(np.ones((2, 3)))
    with pytest.raises(ValueError, match="at most the 6 entries"):
        Packed(keras.layers.Dense(2), (7,))(np.ones((2, 3)))
    with pytest.raises(ValueError, match="`route`"):
        Packed(keras.layers.Dense(2), (1,))(np.ones((2, 3)), route=2)
    with pytest.raises(ValueError, match="`groups`"):
        Packed(keras.layers.Dense(2), (0,))
