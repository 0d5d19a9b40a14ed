"""Every balancer under `fit` on real images: the embedded digits, and two TFDS sets merged, where each row has a label of one task only."""

import functools

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import balancing, trunks

pytestmark = pytest.mark.slow
ROWS = 256


@functools.cache
def splits(name, folder=None):
    return mtlzoo.data.load(name, data_dir=folder, batch_size=32, limit=ROWS)


def trained(data, balancer):
    options = {"trunk": trunks.cnn(filters=(4, 8), dense=(16,)), "optimizer": keras.optimizers.Adam(3e-3), "seed": 0}
    model = mtlzoo.architectures.hard_sharing(data.inputs, data.tasks, balancer=balancer, **options)
    before = model.evaluate(data.validation, return_dict=True, verbose=0)
    history = model.fit(data.train, validation_data=data.validation, epochs=3, verbose=0).history
    assert all(np.all(np.isfinite(values)) for values in history.values())
    for task in data.tasks:
        assert (f"{task.name}_weight" in history) == model.balancer.weighs
    return before["loss"], history["val_loss"][-1]


# One of each kind: what all of them do on rows with all labels, tests/contracts/test_balancers.py holds.
@pytest.mark.parametrize("name", ["famo", "uncertainty_weighting", "nash_mtl", "cr_mogm", "graddrop", "rotograd", "modo"])
def test_digits(name):
    before, after = trained(splits("digits"), name)
    assert after < before


@pytest.mark.parametrize("name", balancing.names())
def test_mnist_and_fashion_mnist(name, tfds_dir):
    before, after = trained(splits("mnist+fashion_mnist", str(tfds_dir)), name)
    assert after < before


def test_weights_reach_tensorboard_under_the_task_s_name(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    data = splits("digits")
    model = mtlzoo.architectures.hard_sharing(data.inputs, data.tasks, trunk=trunks.cnn(filters=(4,)), balancer="mgda", seed=0)
    history = model.fit(data.train, epochs=2, verbose=0, callbacks=[keras.callbacks.TensorBoard(tmp_path)]).history
    events = EventAccumulator(str(tmp_path / "train"), size_guidance={"tensors": 0})
    events.Reload()
    for task in data.tasks:
        logged = [
            float(np.frombuffer(event.tensor_proto.tensor_content, "float32")[0]) for event in events.Tensors(f"epoch_{task.name}_weight")
        ]
        np.testing.assert_allclose(logged, history[f"{task.name}_weight"], rtol=1e-6)
