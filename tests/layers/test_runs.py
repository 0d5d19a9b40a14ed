"""Runs of one network on several inputs: what a layer keeps of each."""

import keras
import numpy as np
import pytest

from mtlzoo.layers import StackedBatchNormalization, run


def two_runs():
    norm = StackedBatchNormalization(keras.layers.BatchNormalization(momentum=0.5), 3)
    inputs, outputs = [keras.Input((3, 4)) for _ in range(2)], []
    for index, x in enumerate(inputs):
        with run(index, 2):
            outputs.append(norm(x))
    return norm, keras.Model(inputs, outputs)


def test_each_run_has_statistics_of_its_own(rng, tmp_path):
    norm, model = two_runs()
    x = [rng.normal(size=(64, 3, 4)).astype("float32"), rng.normal(size=(64, 3, 4)).astype("float32") * 5 + 20]
    for _ in range(12):
        model(x, training=True)
    for found in model.predict(x, verbose=0):
        np.testing.assert_allclose(found.mean(0), 0, atol=0.02)
        np.testing.assert_allclose(found.std(0), 1, atol=0.02)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.predict(x, verbose=0), loaded.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_of_one_normalisation_start_every_run():
    norm, _ = two_runs()
    norm.set_copy_weights(1, [np.full(4, value) for value in (2.0, 3.0, 4.0, 5.0)])
    gamma, beta, mean, variance = norm.copy_weights(1)
    assert gamma.shape == beta.shape == (4,) and mean.shape == variance.shape == (2, 4)
    assert set(mean.ravel()) == {4.0} and set(variance.ravel()) == {5.0} and not norm.copy_weights(0)[2].any()
    with pytest.raises(ValueError, match="`weights`"):
        norm.set_copy_weights(1, [np.ones(4)])


def test_a_number_out_of_range_is_refused():
    with pytest.raises(ValueError, match="`index`"), run(2, 2):
        pass
