"""Variables that hold a slice for each task are the tasks' own, whoever reaches them."""

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo._sharing import Sharing
from mtlzoo.balancing import FixedWeights, GramBalancer
from tests import helpers

TASKS = (Task.regression("a"), Task.regression("b", alpha=0.5))
ROWS = 30


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Lopsided(GramBalancer):
    """Weights 3 and 0, whatever the gradients."""

    def solve(self, gram, losses):
        return keras.ops.array([3.0, 0.0], "float64")


def build(name, balancer=None):
    return mtlzoo.architectures.get(name)(
        (5,), list(TASKS), trunk=trunks.mlp((6, 4)), tower=(3,), optimizer=keras.optimizers.SGD(1.0), balancer=balancer, seed=0
    )


def moved(model):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, 5)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng)
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    model.train_on_batch(x, y)
    return {variable.path: before[variable.path] - variable.numpy() for variable in model.trainable_variables}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("mmoe", {"gates", "towers1"}),
        ("cross_stitch", {"dense2_stitch", "towers1"}),
        ("adatt", {"level2_gates", "towers1"}),
        ("cgc", {"own_experts_dense1_dense", "own_experts_dense2_dense", "gates", "towers1"}),
        ("dselect_k", {"selectors", "towers1"}),
        ("learning_to_branch", {"tasks_branching", "towers1"}),
        ("ple", {"level1_gates", "level2_own_experts", "level2_gates", "towers1"}),
        ("stem", {"own_dense1_dense", "own_experts_dense2_dense", "gates", "towers1"}),
    ],
)
@pytest.mark.parametrize("every", [1, 2])
def test_gates_and_towers_take_the_plain_gradient_and_the_rest_the_weights(name, own, every):
    model = build(name, Lopsided(every=every, name="lopsided"))
    sharing = Sharing(model)
    paths = [variable.path.split("/")[0] for variable in model.trainable_variables]
    assert {paths[index] for index in sharing.sliced} == own
    assert own | {"a", "b"} == {paths[index] for mine in sharing.own for index in mine}
    assert not own & {paths[index] for index in sharing.shared} and sharing.shared
    plain, alone, fixed = (moved(one) for one in (build(name), build(name, FixedWeights([3.0, 0.0])), model))
    for path, change in fixed.items():
        wanted = plain if path.split("/")[0] in own | {"a", "b"} else alone
        np.testing.assert_allclose(change, wanted[path], atol=2e-6, err_msg=path)
    if every == 2:
        model, other = build(name, Lopsided(every=2, name="lopsided")), build(name, Lopsided(name="lopsided"))
        for _ in range(2):
            ours, theirs = moved(model), moved(other)
        for path, change in ours.items():
            np.testing.assert_allclose(change, theirs[path], atol=2e-6, err_msg=path)
