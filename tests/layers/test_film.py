import keras
import numpy as np
import pytest
from keras import ops

from mtlzoo.layers import FiLM


def filled(tasks, shape, rng):
    film = FiLM(tasks)
    film.build((None, 1, *shape))
    film.set_weights([rng.normal(size=(len(tasks), shape[-1])) for _ in range(2)])
    return film


@pytest.mark.parametrize("shape", [(4,), (3, 4), (5, 5, 4)])
@pytest.mark.parametrize("entries", [1, 3])
def test_scales_and_shifts_each_channel_of_each_task(shape, entries, rng):
    film = filled(("a", "b", "c"), shape, rng)
    x = rng.normal(size=(6, entries, *shape)).astype("float32")
    found = ops.convert_to_numpy(film(x))
    gamma, beta = film.get_weights()
    for task in range(3):
        np.testing.assert_allclose(found[:, task], (1 + gamma[task]) * x[:, task if entries > 1 else 0] + beta[task], rtol=1e-4, atol=1e-5)


def test_starts_as_the_identity(rng):
    x = rng.normal(size=(6, 1, 4)).astype("float32")
    np.testing.assert_array_equal(FiLM(("a", "b"))(x), np.repeat(x, 2, axis=1))


def test_one_task_alone_is_its_row(rng):
    film = filled(("a", "b", "c"), (2, 4), rng)
    x = rng.normal(size=(6, 1, 2, 4)).astype("float32")
    np.testing.assert_array_equal(film(x, task="b")[:, 0], film(x)[:, 1])
    assert film(keras.Input((1, 2, 4)), task="b").shape == (None, 1, 2, 4) and film(keras.Input((1, 2, 4))).shape == (None, 3, 2, 4)


def test_sharing_is_the_root_mean_square_of_the_difference():
    film = FiLM(("a", "b"))
    film.build((None, 1, 2))
    film.set_weights([np.array([[3.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])])
    np.testing.assert_allclose(film.sharing(), [[0, 2.5], [2.5, 0]])


def test_a_mask_goes_through():
    x = keras.layers.Masking()(ops.zeros((2, 1, 3)))
    assert FiLM(("a", "b")).compute_mask(x, x._keras_mask).shape == (2, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FiLM(()), "`tasks` must be at least one name"),
        (lambda: FiLM(("a",), slices="task"), "Did you mean 'tasks'"),
        (lambda: FiLM(("a", "b"))(np.ones((2, 3, 4))), r"\[batch, 2 or 1, ..., channels\]"),
        (lambda: FiLM(("apple", "pear"))(np.ones((2, 1, 4)), task="aple"), "Did you mean 'apple'"),
        (lambda: FiLM(("a", "b"))(np.ones((2, 2, 4)), task="a"), "for one task"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
