"""The trunk for tables, and the architectures over it."""

import inspect

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks

TASKS = [Task.binary("rich"), Task.regression("age")]
INPUTS = {"categories": (2, "int32"), "numbers": (4,)}
ROWS = 32
PAIRED = ("escm2", "esmm")  # Of a click, and of a conversion that needs it.
BY_DEFAULT = ("cross_stitch", "hard_sharing", "mmoe", "single_task")
ON_TABLES = [
    pytest.param(name, marks=() if name in BY_DEFAULT else pytest.mark.slow)
    for name in mtlzoo.architectures.names()
    if "trunk" in inspect.signature(mtlzoo.architectures.get(name)).parameters
]


def batch(rng):
    x = {"categories": rng.integers(0, [3, 5], (ROWS, 2)).astype("int32"), "numbers": rng.normal(size=(ROWS, 4)).astype("float32")}
    return x, {"rich": rng.integers(0, 2, ROWS).astype("float32"), "age": rng.normal(size=ROWS).astype("float32")}


def trunk(**options):
    return trunks.tabular((3, 5), **{"embedding": 4, "units": (8, 6), **options})


@pytest.mark.parametrize("name", ON_TABLES)
def test_every_architecture_learns_tables_and_comes_back_from_its_file(name, rng, tmp_path):
    tasks = [Task.binary("rich"), Task.binary("age")] if name in PAIRED else TASKS
    model = mtlzoo.architectures.get(name)(INPUTS, tasks, trunk=trunk(batch_norm=True), seed=0, optimizer=keras.optimizers.Adam(0.02))
    assert {key: tensor.dtype for key, tensor in model.input.items()} == {"categories": "int32", "numbers": "float32"}
    x, y = batch(rng)
    y["age"] = y["rich"] * (y["age"] > 0) if name in PAIRED else y["age"]
    history = model.fit(x, y, batch_size=ROWS, epochs=8, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for task, values in model.predict(x, verbose=0).items():
        np.testing.assert_array_equal(loaded.predict(x, verbose=0)[task], values)
    again = mtlzoo.architectures.rebuild(loaded)
    assert {key: tensor.dtype for key, tensor in again.input.items()} == {"categories": "int32", "numbers": "float32"}


def test_experts_share_the_embeddings_and_gates_read_them(rng):
    model = mtlzoo.architectures.mmoe(INPUTS, TASKS, trunk=trunk(), experts=3, seed=0)
    features = 2 * 4 + 4
    experts = 3 * (features * 8 + 8 + 8 * 6 + 6)
    assert model.count_params() == (3 + 5) * 4 + experts + 2 * features * 3 + 2 * (6 + 1)
    assert model.sharing(batch(rng)[0])["gates"].shape == (2, 3)


@pytest.mark.parametrize("balancer", ["uncertainty_weighting", "pcgrad"])
def test_balancers_take_the_gradients_of_look_ups(balancer, rng):
    model = mtlzoo.architectures.hard_sharing(INPUTS, TASKS, trunk=trunk(), balancer=balancer, seed=0)
    table = model.get_layer("embed_table_embedding")
    before = table.get_weights()[0]
    x, y = batch(rng)
    model.fit(x, y, batch_size=ROWS, epochs=2, verbose=0)
    assert np.isfinite(table.get_weights()[0]).all() and not np.allclose(before, table.get_weights()[0])


def test_ids_are_never_cast_to_short_floats():
    """Layers that cast what they read would make other ids of them; a model with whole-number inputs does not, one without says so."""
    ids = np.full((2, 1), 4097, "int32")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        big = trunks.tabular((5000,), units=(4,))
        floats, ints = (mtlzoo.architectures.cross_stitch({"categories": shape}, TASKS, trunk=big) for shape in ((1,), (1, "int32")))
        with pytest.raises(ValueError, match='such as {"categories"'):
            floats.predict({"categories": ids}, verbose=0)
        probe = keras.Model(ints.input, ints.get_layer("tasks_embed_table_embedding").output)
        found = probe.predict({"categories": ids}, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    for index, task in enumerate(("rich", "age")):
        table = ints.get_layer("tasks_embed_table_embedding").copy_weights(task)[0]
        np.testing.assert_allclose(found[0, index], table[4097], atol=1e-4)


def test_stages_and_regularizers():
    made = trunk(embedding_dropout=0.1, dropout=0.2, regularizer="l2")
    assert made.names == ("embed", "dense1", "dense2")
    assert [type(layer).__name__ for layer in made.copy()[0].layers] == ["TableEmbedding", "Dropout"]
    model = mtlzoo.architectures.hard_sharing(INPUTS, TASKS, trunk=made, seed=0)
    assert len(model.losses) == 1


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`units` must name at least one stage"):
        trunk(units=())
    with pytest.raises(ValueError, match="`embedding_dropout`"):
        trunk(embedding_dropout=1.5)
    with pytest.raises(TypeError, match="a dtype such as"):
        mtlzoo.architectures.hard_sharing({"categories": ("int32", 2)}, TASKS, trunk=trunk())
