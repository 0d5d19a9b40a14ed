"""`SameOrder`: the order of an epoch follows from its number."""

import keras
import numpy as np

from mtlzoo import Task, architectures
from mtlzoo.callbacks import SameOrder
from mtlzoo.data import aligned


def test_a_training_in_two_parts_sees_what_one_in_one_sees(rng):
    tasks, x = [Task.regression("a")], rng.normal(size=(12, 3)).astype("float32")
    train = aligned((x, {"a": x[:, 0]}), tasks, batch_size=4, seed=1)
    whole, parts = (architectures.single_task((3,), tasks, trunk="mlp", optimizer=keras.optimizers.SGD(0.1), seed=0) for _ in range(2))
    whole.fit(train, epochs=3, verbose=0, callbacks=[SameOrder(train)])
    parts.fit(train, epochs=1, verbose=0, callbacks=[SameOrder(train)])
    list(train)
    parts.fit(train, initial_epoch=1, epochs=3, verbose=0, callbacks=[SameOrder(train)])
    for mine, theirs in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_is_no_mixture_is_left_alone(rng):
    assert SameOrder(None, rng.normal(size=3)).mixtures == []
