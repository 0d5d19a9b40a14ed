"""`report`: models evaluated on a data set, next to baselines."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, trunks
from mtlzoo.architectures import hard_sharing, single_task
from mtlzoo.evaluation import compare, report

TASKS = [Task.multiclass("digit", 3), Task.regression("price", alpha=0.5)]
TRUNK = {"trunk": trunks.mlp((8,)), "seed": 0}


def data(inputs=None):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 4)).astype("float32")
    y = {"digit": rng.integers(0, 3, 48), "price": x.sum(1)}
    weights = {"digit": np.ones(48, "float32"), "price": (rng.random(48) < 0.5).astype("float32")}
    return ({f"{name}_input": x for name in inputs} if inputs else x), y, weights


@pytest.fixture(scope="module")
def shared():
    return hard_sharing((4,), TASKS, **TRUNK)


def test_results_are_those_of_evaluate_and_alphas_the_model_has_now(shared):
    dataset = tf.data.Dataset.from_tensor_slices(data()).batch(48)  # One batch: `loss` of several is a mean over rows, not over labels.
    base = single_task((4,), TASKS, **TRUNK)
    shared.alphas["price"] = 2.0
    found = report(shared, dataset, base, seconds=1.5, baseline_seconds=3.0)
    logs = shared.evaluate(dataset, return_dict=True, verbose=0)
    assert found.results["hard_sharing"] == pytest.approx({key: value for key, value in logs.items() if key != "loss"})
    assert found.total_losses["hard_sharing"] == pytest.approx(logs["loss"])
    expected = found.results["single_task"]["digit_loss"] + 2.0 * found.results["single_task"]["price_loss"]
    assert found.total_losses["single_task"] == pytest.approx(expected)
    assert found.baseline == "single_task" and found.seconds == {"hard_sharing": 1.5, "single_task": 3.0}
    assert found.parameters == {"hard_sharing": shared.count_params(), "single_task": base.count_params()}


def test_a_dict_of_one_model_a_task_gives_what_the_joint_baseline_gives(shared):
    joint = single_task((4,), TASKS, **TRUNK)
    parts = {task.name: single_task((4,), [task], **TRUNK) for task in TASKS}
    one, other = report(shared, data(), joint), report(shared, data(), parts)
    assert one.results["single_task"] == pytest.approx(other.results["single_task"])
    assert one.parameters == other.parameters and one.delta_m == pytest.approx(other.delta_m)


def test_inputs_of_other_tasks_are_left_out_for_a_baseline_of_one_task():
    names = [task.name for task in TASKS]
    model = hard_sharing(dict.fromkeys(names, (4,)), TASKS, **TRUNK)
    parts = {task.name: single_task({task.name: (4,)}, [task], **TRUNK) for task in TASKS}
    found = report(model, data(names), parts)
    assert set(found.results["single_task"]) == set(found.results["hard_sharing"])


def test_history_gives_epochs_and_a_balancer_leaves_no_weights_in_the_results():
    model = hard_sharing((4,), TASKS, balancer="uncertainty_weighting", **TRUNK)
    x, y, weights = data()
    history = model.fit(x, y, sample_weight=weights, epochs=2, verbose=0)
    found = report(model, data(), history=history)
    assert found.epochs == {"hard_sharing": 2} and set(found.best_epochs["hard_sharing"]) == {"digit", "price"}
    assert not [key for key in found.results["hard_sharing"] if key.endswith("_weight")]
    assert found.baseline is None and found.delta_m == {}


def test_a_baseline_of_the_same_name_is_told_apart(shared):
    found = report(shared, data(), hard_sharing((4,), TASKS, **TRUNK))
    assert list(found.results) == ["hard_sharing", "hard_sharing_baseline"]


def test_bad_data_and_baselines_are_refused_before_work_starts(shared):
    dataset = tf.data.Dataset.from_tensor_slices(data()).batch(16)
    with pytest.raises(ValueError, match="must be finite"):
        report(shared, dataset.repeat())
    with pytest.raises(ValueError, match="at least one batch"):
        report(shared, dataset.take(0))
    with pytest.raises(TypeError, match="tf.data.Dataset"):
        report(shared, [1, 2])
    with pytest.raises(ValueError, match="`baseline` must have the keys"):
        report(shared, dataset, {"digit": shared})
    with pytest.raises(ValueError, match=r"`baseline\['digit'\].tasks key` must be one of 'digit'"):
        report(shared, dataset, dict.fromkeys(["digit", "price"], shared))
    with pytest.raises(ValueError, match="baseline_history"):
        report(shared, dataset, baseline_seconds=1.0)
    with pytest.raises(TypeError, match="`model` must be"):
        report("model.keras", dataset)


def test_text_is_whole_in_a_notebook_too(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    text = compare({"mtl": {"a_mae": 1.0}, "single": {"a_mae": 2.0}}, [Task.regression("a")], baseline="single").to_text()
    assert "Tasks" in text and "+50.00 %" in text
