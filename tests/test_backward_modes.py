"""What balancers do beside weighing: whose they are, tasks that were absent when weights were computed, frozen second looks, alpha 0."""

import numpy as np
import pytest

import mtlzoo
from mtlzoo import Task, balancing, trunks
from mtlzoo.balancing import Balancer, aggregate
from tests import helpers

TASKS = (Task.regression("a"), Task.regression("b"))
ROWS = 12


def build(balancer, tasks=TASKS):
    return mtlzoo.architectures.hard_sharing((4,), tasks, trunk=trunks.mlp((6,)), optimizer="sgd", balancer=balancer, seed=0)


def data(there=(True, True)):
    rng = np.random.default_rng(0)
    weights = {name: np.full(ROWS, float(is_there), "float32") for name, is_there in zip("ab", there, strict=True)}
    return rng.normal(size=(ROWS, 4)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng), weights


def weights_after(model, there=(True, True)):
    model.reset_metrics()
    logs = model.train_on_batch(*data(there), return_dict=True)
    return [logs["a_weight"], logs["b_weight"]]


@pytest.mark.parametrize("name", ["famo", "mgda", "moco", "modo", "rotograd"])
def test_a_balancer_serves_one_model(name):
    balancer = balancing.get(name)
    model = build(balancer)
    model.compile("sgd", balancer=balancer)
    with pytest.raises(ValueError, match="must not serve two models"):
        build(balancer)


@pytest.mark.parametrize("modes", [{"every": 2}, {"freeze_after": 1}])
def test_a_task_that_was_absent_when_weights_were_computed_takes_the_mean_of_the_others(modes):
    model = build(balancing.IMTLG(**modes))
    np.testing.assert_allclose(weights_after(model, (True, False)), [1.0, 0.0])
    np.testing.assert_allclose(weights_after(model), [1.0, 1.0])
    tasks = [Task.regression(name) for name in "abc"]
    model = build(balancing.IMTLG(**modes), tasks)
    x, y, _ = data()
    y = y | {"c": -y["a"] * 7}
    there = {"a": np.ones(ROWS), "b": np.zeros(ROWS), "c": np.ones(ROWS)}
    model.train_on_batch(x, y, there)
    model.reset_metrics()
    logs = model.train_on_batch(x, y, return_dict=True)
    assert logs["a_weight"] != logs["c_weight"]
    np.testing.assert_allclose(logs["b_weight"], (logs["a_weight"] + logs["c_weight"]) / 2, rtol=1e-6)


def test_a_frozen_famo_looks_no_more():
    model = build(balancing.FAMO(freeze_after=2))
    seen = []
    for _ in range(5):
        weights_after(model)
        seen.append(model.balancer.logits.numpy().copy())
    assert not np.array_equal(seen[0], np.zeros(2))
    np.testing.assert_array_equal(seen[1], seen[4])


@pytest.mark.parametrize("name", ["rlw", "famo", "geometric_mean", "stch", "uwso", "mgda"])
def test_a_task_with_alpha_0_takes_no_part(name):
    both, alone = build(name), build(name, TASKS[:1])
    both.alphas["b"] = 0.0
    x, y, _ = data()
    for _ in range(3):
        both.reset_metrics()
        logs = both.train_on_batch(x, y, return_dict=True)
        alone.reset_metrics()
        wanted = alone.train_on_batch(x, y["a"], return_dict=True)
        np.testing.assert_allclose(logs["a_weight"], wanted["a_weight"], rtol=1e-5)
        np.testing.assert_allclose(logs["a_loss"], wanted["a_loss"], rtol=1e-5)


@pytest.mark.parametrize("name", ["named", "with-hyphen.and.dot"])
def test_weights_of_losses_that_are_not_finite_name_the_balancer_and_no_problem(name):
    class Bad(Balancer):
        def call(self, losses, present, gram=None):
            return losses * float("nan")

    with pytest.raises(ValueError, match=f"'{name}' gave weights that are not finite; training stopped"):
        build(Bad(name=name)).fit(*data()[:2], verbose=0)


def test_outside_a_model_every_step_computes_weights_and_bad_losses_leave_the_state_alone():
    for balancer in (balancing.MGDA(every=2), balancing.MoCo(freeze_after=3), balancing.CRMOGM("mgda", freeze_after=2)):
        with pytest.raises(ValueError, match="must have every=1 and no freeze_after outside a model"):
            aggregate(balancer, np.eye(2), [1.0, 1.0])
    for name in ("moco", "db_mtl", "gradnorm", "imtl", "famo"):
        with pytest.raises(ValueError, match="`losses` must be given"):
            aggregate(name, np.eye(2))
        balancer = balancing.get(name)
        first = aggregate(balancer, np.eye(2), [1.0, 2.0])[0]
        with pytest.raises(ValueError, match="`losses` must be finite"):
            aggregate(balancer, np.eye(2), [np.nan, 1.0])
        assert np.all(np.isfinite(aggregate(balancer, np.eye(2), [1.0, 2.0])[0])) and np.all(np.isfinite(first))
    with pytest.raises(ValueError, match="`losses` must be given"):
        aggregate(balancing.MGDA("loss"), np.eye(2))
    for name in ("equal", "fixed", "rlw", "mgda", "graddrop"):
        assert np.all(np.isfinite(aggregate(name, np.eye(2))[0]))


def test_refused_tasks_leave_the_balancer_as_it_was():
    balancer = balancing.GradDrop(leak=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="`leak` must have one number for each of 2 tasks"):
        balancer.set_tasks(["regression"] * 2)
    balancer.set_tasks(["regression"] * 3)


def test_what_xla_cannot_compile_is_refused_at_once():
    with pytest.raises(ValueError, match="`jit_compile` must be False with the balancer 'pcgrad'"):
        build(None).compile("sgd", balancer="pcgrad", jit_compile=True, on_nonfinite="skip")
