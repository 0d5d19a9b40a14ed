import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, growth, trunks
from mtlzoo.layers import Distillation


def test_takes_the_teacher_out_and_changes_no_output(rng):
    model = mtlzoo.architectures.hard_sharing((3,), [Task.multiclass("a", 3, alpha=0.5)], trunk=trunks.mlp((4,)), seed=0)
    grown = growth.add_task(model, Task.regression("b"), how="lwf")
    x = rng.normal(size=(16, 3))
    grown.fit(x, {"a": np.zeros(16), "b": rng.normal(size=16)}, verbose=0)
    plain = growth.settle(grown)
    assert not any(isinstance(layer, Distillation) for layer in plain.layers) and dict(plain.alphas) == {"a": 0.5, "b": 1.0}
    assert plain.count_params() == model.count_params() + 4 + 1 and plain.representation is not None
    for name, output in grown.predict(x, verbose=0).items():
        np.testing.assert_array_equal(plain.predict(x, verbose=0)[name], output)
    plain(x, training=True)
    assert not plain.losses


@pytest.mark.parametrize("options", [{"dropout": 0.3}, {"batch_norm": True}], ids=str)
def test_a_settled_model_comes_back_where_its_features_have_no_kernel(options, rng, tmp_path):
    model = mtlzoo.architectures.hard_sharing((3,), [Task.multiclass("a", 3)], trunk=trunks.mlp((4,), **options), seed=0)
    plain = growth.settle(growth.add_task(model, Task.regression("b"), how="lwf"))
    plain.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), rng.normal(size=(8, 3))
    assert loaded.representation.shape == plain.representation.shape
    for name, output in plain.predict(x, verbose=0).items():
        np.testing.assert_array_equal(loaded.predict(x, verbose=0)[name], output)
