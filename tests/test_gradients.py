"""The gradient report against gradients taken one by one."""

import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.gradients import GradientReport
from tests import helpers

TASKS = [Task.multiclass("a", 3, alpha=0.1), Task.regression("b"), Task.binary("c")]


def build(architecture="hard_sharing"):
    return mtlzoo.architectures.get(architecture)((6,), TASKS, trunk=trunks.mlp((5,), batch_norm=True, dropout=0.2), seed=0)


def test_cosines_norms_and_conflicts(rng):
    model = mtlzoo.architectures.hard_sharing((6,), TASKS, trunk=trunks.mlp((5,)), seed=0)
    x, y = rng.normal(size=(16, 6)).astype("float32"), helpers.labels_for(TASKS, 16, rng)
    report = model.gradient_report((x, y))
    shared = [v for v in model.trainable_variables if v.path.startswith("dense")]
    rows = []
    for index in range(3):
        with tf.GradientTape() as tape:
            losses, _ = model.task_losses(*model.task_losses.pick(y, model(x), None))
            loss = losses[index]
        rows.append(np.concatenate([g.numpy().ravel() for g in tape.gradient(loss, [v.value for v in shared])]))
    rows = np.array(rows, "float64")
    norms = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(report.norms, norms, rtol=1e-5)
    np.testing.assert_allclose(report.cosines, rows @ rows.T / np.outer(norms, norms), atol=1e-5)
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(report.mean_cosine, np.mean(rows @ mean / norms / np.linalg.norm(mean)), rtol=1e-5)
    np.testing.assert_allclose(report.norm_ratio, norms.max() / norms.min(), rtol=1e-5)
    assert set(report.conflicts) == {v.path for v in shared}
    for word in ("a", "b", "c", "largest over smallest", report.advice):
        assert word in str(report)


def test_leaves_the_model_as_it_was_and_looks_at_labelled_tasks_only(rng):
    model = build()
    x, y = rng.normal(size=(16, 6)).astype("float32"), helpers.labels_for(TASKS, 16, rng)
    weights = {**helpers.ones_for(TASKS, 16), "b": np.zeros(16, "float32")}
    before = helpers.named_weights(model)
    report = model.gradient_report((x, y, weights))
    assert report.tasks == ("a", "c") and report.cosines.shape == (2, 2)
    after = helpers.named_weights(model)
    assert all(np.array_equal(before[path], after[path]) for path in before)


@pytest.mark.parametrize(
    ("cosine", "word"), [(0.7, "equal weights are likely enough"), (0.45, "may bring a little"), (0.3, "likely to help")]
)
def test_advice_is_the_literature_s_rule(cosine, word):
    report = GradientReport(("a", "b"), np.eye(2), np.array([1.0, 2.0]), np.ones((2, 2)), cosine, {})
    assert word in report.advice and report.norm_ratio == 2.0


def test_advice_minds_the_size_of_gradients_that_agree():
    report = GradientReport(("a", "b"), np.eye(2), np.array([1.0, 0.0]), np.ones((2, 2)), 0.9, {})
    assert "bring the losses to one scale" in report.advice and report.norm_ratio == float("inf")


def test_what_cannot_be_compared_is_refused(rng):
    x, y = rng.normal(size=(4, 6)).astype("float32"), helpers.labels_for(TASKS, 4, rng)
    with pytest.raises(ValueError, match="shares none"):
        build("single_task").gradient_report((x, y))
    with pytest.raises(ValueError, match="at least one task"):
        build().gradient_report((x, y, {task.name: np.zeros(4, "float32") for task in TASKS}))
    with pytest.raises(TypeError, match="tuple"):
        build().gradient_report([x, y])
