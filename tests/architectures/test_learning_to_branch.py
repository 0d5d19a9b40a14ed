"""Learning to branch: known answers of its own."""

import keras
import numpy as np
import pytest

from mtlzoo import Task, trunks
from mtlzoo.architectures import branches
from tests import helpers
from tests.architectures.expert_cases import TASKS, blocks_reached, build, data, same_outputs, same_training

THREE = [*TASKS, Task.binary("c")]


def set_choices(model, **chosen):
    """Makes the choices named by stage or "tasks", and fixes all."""
    for layer in model.layers:
        if layer.name.endswith("_branching"):
            places = chosen.get(layer.name.removesuffix("_branching"))
            if places:
                layer.logits.assign(10 * np.eye(len(layer.parents), dtype="float32")[list(places)])
            layer.trainable = False


def give_node(model, node, other, prefix=""):
    """Gives a node of every stage the weights of another model's trunk."""
    for layer in model.layers:
        if layer.name.startswith("nodes_") and layer.weights:
            layer.set_copy_weights(f"node{node}", other.get_layer(prefix + layer.name.removeprefix("nodes_")).get_weights())


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
@pytest.mark.parametrize("node", [0, 1])
def test_all_on_one_parent_is_hard_sharing(trunk, node, rng):
    inputs = (6, 6, 1) if trunk == "cnn" else (5,)
    options = {"inputs": inputs, "trunk": trunks.cnn((3, 4), batch_norm=True) if trunk == "cnn" else trunks.mlp((4, 6)), "tower": (3,)}
    tree, hard = build("learning_to_branch", **options), build("hard_sharing", **options)
    give_node(tree, node, hard)
    both = [node, node]
    set_choices(tree, **dict.fromkeys(["conv2", "dense2", "tasks"], both))
    assert [list(stage.values()) for stage in branches(tree)] == [[("a", "b")], [("a", "b")]]
    same_training(tree, hard, *data(rng, inputs))


def test_a_node_a_task_is_single_task(rng):
    tree, single = build("learning_to_branch", tower=(3,)), build("single_task", tower=(3,))
    for index, task in enumerate(TASKS):
        give_node(tree, index, single, f"{task.name}_")
    set_choices(tree, dense2=(0, 1), tasks=(0, 1))
    same_training(tree, single, *data(rng))


def test_hard_choices_are_a_tree_that_can_be_read(rng):
    model = build("learning_to_branch", tasks=THREE, trunk=trunks.mlp((4, 6, 5)))
    set_choices(model, dense2=(2, 2, 1), dense3=(1, 0, 2), tasks=(0, 2, 1))
    # Tasks a, b, c read nodes 0, 2, 1 of the last stage, these 1, 2, 0 of the second, and these 2, 1, 2 of the first.
    assert branches(model) == [
        {"dense1_node1": ("b",), "dense1_node2": ("a", "c")},
        {"dense2_node0": ("c",), "dense2_node1": ("a",), "dense2_node2": ("b",)},
        {"dense3_node0": ("a",), "dense3_node1": ("c",), "dense3_node2": ("b",)},
    ]
    x, _ = data(rng)
    before = model.predict(x, verbose=0)
    first = model.get_layer("nodes_dense1_dense")
    first.set_copy_weights("node2", [1 + weight for weight in first.copy_weights("node2")])
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(before["b"], after["b"])
    assert not np.allclose(before["a"], after["a"]) and not np.allclose(before["c"], after["c"])


def test_any_number_of_nodes_and_more_than_ten_are_in_order():
    assert branches(build("learning_to_branch", nodes=1)) == [{"dense1_node0": ("a", "b")}, {"dense2_node0": ("a", "b")}]
    model = build("learning_to_branch", nodes=12)
    set_choices(model, tasks=(11, 2))
    assert branches(model)[1] == {"dense2_node2": ("b",), "dense2_node11": ("a",)}


def test_parameters_by_formula():
    trunk, heads = (5 * 4 + 4) + (4 * 6 + 6), (6 * 3 + 3) + (6 + 1)
    model = build("learning_to_branch", nodes=3)
    assert model.count_params() == 3 * trunk + 3 * 3 + 2 * 3 + heads + 2
    assert sum(np.size(weight) for weight in model.get_weights()) - 2 == sum(
        int(np.prod(weight.shape)) for weight in model.trainable_weights
    )
    assert build("learning_to_branch", nodes=1).count_params() == trunk + heads


def test_a_task_s_choice_of_the_last_node_is_its_own(rng):
    model = build("learning_to_branch", tower=(3,))
    found = blocks_reached(model, data(rng)[0])
    assert set(found) == {"tasks_branching", "towers1"} and all(reached == {0: {0}, 1: {1}} for reached in found.values())


def test_training_finds_the_branch_that_fits(rng):
    # Node 0 sees nothing of what the task is about, node 1 all of it.
    linear = trunks.mlp((1,), activation="linear")
    model = build("learning_to_branch", inputs=(2,), tasks=[Task.regression("y")], nodes=2, trunk=linear, steps=60)
    model.get_layer("nodes_dense1_dense").set_weights([np.array([[[0.0], [1.0]], [[1.0], [0.0]]]), np.zeros((2, 1))])
    model.get_layer("nodes_dense1_dense").trainable = False
    model.get_layer("y").set_weights([np.ones((1, 1)), np.zeros(1)])
    model.get_layer("y").trainable = False
    model.compile(keras.optimizers.Adam(0.1))
    x = rng.normal(size=(32, 2)).astype("float32")
    assert branches(model) == [{"dense1_node0": ("y",)}]
    model.fit(x, {"y": x[:, 0]}, batch_size=32, epochs=90, verbose=0)
    assert branches(model) == [{"dense1_node1": ("y",)}]
    assert model.evaluate(x, {"y": x[:, 0]}, return_dict=True, verbose=0)["loss"] < 1e-6


def test_loaded_models_are_the_same_tree_and_go_on_with_the_same_draws(rng, tmp_path):
    model = build("learning_to_branch", steps=5)
    x, y = data(rng)
    model.fit(x, y, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert branches(loaded) == branches(model) and float(loaded.get_layer("tasks_branching").step) == 3
    histories = [one.fit(x, y, batch_size=16, shuffle=False, verbose=0).history for one in (model, loaded)]
    assert histories[0] == histories[1]
    same_outputs(loaded, model, x)


def test_the_likelihood_of_choices_can_be_read():
    model = build("learning_to_branch", tasks=THREE, nodes=2)
    found = model.sharing()
    assert {name: matrix.shape for name, matrix in found.items()} == {"dense2_branching": (2, 2), "tasks_branching": (3, 2)}
    assert model.get_layer("tasks_branching").sharing_labels == (("a", "b", "c"), ("dense2_node0", "dense2_node1"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"nodes": 0}, ValueError, "`nodes` must be a whole number at least 1"),
        ({"steps": 0}, ValueError, "`steps`"),
        ({"temperature": (1.0, -1.0)}, ValueError, "`temperature`"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        build("learning_to_branch", **arguments)


def test_other_models_have_no_tree():
    with pytest.raises(ValueError, match="`model` must be made by 'learning_to_branch'; 'hard_sharing' has no layer"):
        branches(build("hard_sharing"))
    assert helpers.same_weights(build("learning_to_branch"), build("learning_to_branch"))
