"""Losses that layers add: named in the logs, part of the total, and no matter of the balancer."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, assemble, balancing
from tests import helpers

TASKS = [Task.binary("a", alpha=0.5), Task.regression("b")]


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Pull(keras.layers.Layer):
    """Passes its input on, and adds the square of a number of its own, once by itself and once by name."""

    reports_loss = True

    def build(self, input_shape):
        self.number = self.add_weight(name="number", shape=(), initializer=keras.initializers.Constant(3.0))

    def call(self, x):
        self.add_loss(self.number**2)
        return x


def build(balancer=None, **options):
    x = keras.Input((4,))
    h = keras.layers.Dense(5, kernel_regularizer="l2", name="shared")(x)
    h = Pull(name="pull")(h)
    model = assemble(x, {"a": h, "b": h}, TASKS, seed=0)
    model.compile(keras.optimizers.SGD(0.1), balancer=balancer, **options)
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(30, 4)).astype("float32"), helpers.labels_for(TASKS, 30, rng)


BALANCERS = {
    "none": lambda: None,
    "losses": lambda: balancing.get("uncertainty_weighting"),
    "gram": lambda: balancing.get("mgda"),
    "every": lambda: balancing.PCGrad(every=2),
    "representation": lambda: balancing.MGDA(at="representation"),
    "jacobian": lambda: balancing.get("graddrop"),
    "batches": lambda: balancing.get("modo"),
}


@pytest.mark.parametrize("balancer", BALANCERS)
def test_is_named_in_the_logs_and_not_weighed(balancer, data):
    model = build(BALANCERS[balancer]())
    logs = model.fit(*data, batch_size=30, epochs=3, verbose=0).history
    numbers = 3.0 * (1 - 2 * 0.1) ** np.arange(4)
    np.testing.assert_allclose(logs["pull_loss"], numbers[:3] ** 2, rtol=1e-5)
    np.testing.assert_allclose(model.get_layer("pull").number, numbers[3], rtol=1e-5)


def test_is_named_in_evaluation_and_part_of_the_total(data):
    model = build()
    logs = model.evaluate(*data, batch_size=8, return_dict=True, verbose=0)
    squares = 0.01 * np.sum(model.get_layer("shared").kernel.numpy() ** 2)
    np.testing.assert_allclose(logs["pull_loss"], 9.0, rtol=1e-6)
    np.testing.assert_allclose(logs["loss"], 0.5 * logs["a_loss"] + logs["b_loss"] + 9.0 + squares, rtol=1e-5)


def test_skipped_steps_are_not_counted(data):
    x, y = data
    x[:10] = np.nan
    model = build(on_nonfinite="skip")
    logs = model.fit(x, y, batch_size=10, shuffle=False, verbose=0).history
    np.testing.assert_allclose(logs["pull_loss"], (9.0 + 2.4**2) / 2, rtol=1e-5)


def test_comes_back_with_a_saved_model(data, tmp_path):
    model = build()
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert model.fit(*data, epochs=2, verbose=0).history == loaded.fit(*data, epochs=2, verbose=0).history
