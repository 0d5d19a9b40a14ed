"""One model for the whole front: on a problem whose front is known, what it is asked for is what it gives."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task
from mtlzoo.balancing import COSMOS
from mtlzoo.trunks import Trunk
from mtlzoo.tuning import train_front, with_preference
from tests.tuning import small


def bottleneck():
    """Two numbers without correlation are to be told through one: with equal heads, f_t = 2(1 − r_t)² and √f_a + √f_b = √2."""
    rng = np.random.default_rng(0)
    x, _ = np.linalg.qr(rng.normal(size=(1024, 2)) - rng.normal(size=(1024, 2)).mean(axis=0))
    x = (32 * x).astype("float32")
    data = mtlzoo.data.aligned((x, {"a": x[:, 0], "b": x[:, 1]}), small.tasks(), batch_size=128, seed=0)
    trunk = Trunk({"wide": [keras.layers.Dense(48, activation="tanh")], "narrow": [keras.layers.Dense(1)]})
    adam = keras.optimizers.Adam(0.01)
    return mtlzoo.architectures.hard_sharing((2,), small.tasks(("loss", "min")), trunk=trunk, seed=0, optimizer=adam), data


@pytest.mark.slow
def test_weighted_sums_lie_on_the_known_front_where_the_preference_says_and_survive_saving(tmp_path):
    model, data = bottleneck()
    found = train_front(model, data, data, preferences=5, epochs=40)
    np.testing.assert_allclose(np.sqrt(found.points).sum(axis=1), 2**0.5, rtol=0.05)
    np.testing.assert_allclose(np.sqrt(found.points), 2**0.5 * (1 - found.preferences), atol=0.12)
    assert found.front.all()
    (made,) = found.models
    made.save(tmp_path / "front.keras")
    loaded = keras.saving.load_model(tmp_path / "front.keras")
    results = loaded.evaluate(with_preference(data, found.preferences[1]), return_dict=True, verbose=0)
    assert results == pytest.approx(found.results[1])
    loaded.fit(with_preference(data, [0.5, 0.5]), verbose=0)  # The balancer of a loaded model is told, too.
    np.testing.assert_allclose(loaded.get_layer("wide_told_preference").told, [0.5, 0.5])


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["mmoe", "cross_stitch", "conditioned", "single_task"])
def test_other_architectures_are_told_too(architecture):
    tasks = [Task.multiclass("a", 3), Task.regression("b")]
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 1)).astype("float32")
    data = mtlzoo.data.aligned((images, {"a": np.arange(8) % 3, "b": np.arange(8.0)}), tasks, batch_size=4)
    model = mtlzoo.architectures.get(architecture)((8, 8, 1), tasks, seed=0)
    found = train_front(model, data, data, preferences=2, epochs=1)
    assert found.points.shape == (2, 2) and found.points[0, 1] != found.points[1, 1]


@pytest.mark.slow
def test_tables_are_told_among_their_numbers():
    tasks, rng = small.tasks(), np.random.default_rng(0)
    x = {"categories": rng.integers(0, 3, (8, 2)).astype("int32")}
    data = mtlzoo.data.aligned((x, {"a": np.arange(8.0), "b": np.arange(8.0)}), tasks, batch_size=4)
    trunk = mtlzoo.trunks.tabular((3, 3), units=(4,))
    model = mtlzoo.architectures.hard_sharing({"categories": (2, "int32")}, tasks, trunk=trunk, seed=0)
    found = train_front(model, data, data, preferences=2, epochs=1)
    assert sorted(found.models[0].input) == ["categories", "preference"]
    assert found.points[0, 1] != found.points[1, 1]


def test_bad_input_is_refused_before_anything_is_trained():
    model, data = small.model(), small.data()
    with pytest.raises(ValueError, match=r"must take preferences \(cosmos, pbi, stch\)"):
        train_front(model, data, data, balancer="pcgrad")
    with pytest.raises(ValueError, match="`concentration`"):
        train_front(model, data, data, concentration=0)
    own = mtlzoo.architectures.single_task({"a": (3,), "b": (3,)}, small.tasks(), trunk="mlp")
    with pytest.raises(ValueError, match=r"must have one input of floats that all tasks read.* has a_input \(float32\), b_input"):
        train_front(own, data, data)
    ids = mtlzoo.architectures.hard_sharing((3, "int32"), small.tasks(), trunk="mlp")
    with pytest.raises(ValueError, match=r"has input \(int32\)"):
        train_front(ids, data, data)
    with pytest.raises(ValueError, match="has no layer `ToldPreference`"):
        model.compile("adam", balancer=COSMOS(preferences="told"))
