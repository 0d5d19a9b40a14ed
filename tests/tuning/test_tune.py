"""Searches: the known front, the default trial, going on after a stop at any moment, and what is refused."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import Task, evaluation, files, tuning
from mtlzoo.architectures import rebuild, single_task
from mtlzoo.tuning import AlphaSpace, _identity, _space
from tests.tuning import toy

SLOW = pytest.mark.slow


@pytest.fixture
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def counted(builder=toy.build):
    """A builder, and the list that grows by the values of one build each time a model is trained."""
    trained = []

    def build(hp):
        model = builder(hp)
        fit = model.fit
        object.__setattr__(model, "fit", lambda *args, **kwargs: (trained.append(dict(hp.values)), fit(*args, **kwargs))[1])
        return model

    return build, trained


def table(result):
    """What must be the same however a search came about."""
    return result.trials.drop(columns="seconds").to_dict("records")


def test_the_front_of_the_toy_is_the_known_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = toy.search(tmp_path / "s", max_trials=6, objective={"zero": 1.0, "one": 3.0})
    assert "6/6" in capsys.readouterr().err, "on a terminal there is a bar over the trials"
    distances = np.sqrt(result.points)
    np.testing.assert_allclose(distances.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(distances[:, 0], result.trials["alpha_one"] / 2, atol=1e-5)
    assert len(result.front) == 6 and result.trials["alpha_one"].nunique() == 6
    np.testing.assert_allclose(result.trials[["alpha_zero", "alpha_one"]].sum(axis=1), 2.0, atol=1e-5)
    assert result.hypervolume == pytest.approx(evaluation.hypervolume(result.points, result.reference, ["min", "min"]))
    wanted = -(result.points @ [1.0, 3.0])
    np.testing.assert_allclose(result.trials["score"], wanted, rtol=1e-6)
    assert result.best["score"] == max(wanted) and result.best["trial"] == result.trials["trial"][int(np.argmax(wanted))]


@pytest.mark.parametrize("search", [*[pytest.param(name, marks=SLOW) for name in ("random", "bayesian", "hyperband")], "grid"])
def test_the_default_comes_first_and_a_longer_search_goes_on(tmp_path, search):
    build, trained = counted()
    short = toy.search(tmp_path / "a", build, search=search, max_trials=2, epochs=2)
    assert short.default["alphas"] == {"zero": 1.0, "one": 1.0} and short.default["metrics"]["zero_mse"] == pytest.approx(0.25)
    assert len(trained) == len(short.trials) == 2
    again = toy.search(tmp_path / "a", build, search=search, max_trials=2, epochs=2)
    assert table(again) == table(short) and len(trained) == 2, "nothing is trained twice"
    longer = toy.search(tmp_path / "a", build, search=search, max_trials=4, epochs=2)
    assert len(trained) == 4 and table(longer)[:2] == table(short)
    assert table(toy.search(tmp_path / "b", build, search=search, max_trials=4, epochs=2)) == table(longer)


def test_a_grid_is_gone_through_as_a_whole(tmp_path):
    result = toy.search(tmp_path / "s", search="grid", alphas=AlphaSpace("log", low=0.1, high=10.0, steps=3), max_trials=None)
    assert sorted(result.trials["alpha_one"]) == [0.1, 1.0, 10.0] and result.trials["alpha_one"][0] == 1.0
    assert set(result.trials["alpha_zero"]) == {1.0}


@pytest.mark.slow
@pytest.mark.parametrize("search", ["random", "grid"])
def test_stopped_at_any_file_that_it_writes_a_search_goes_on_without_a_loss(tmp_path, search, monkeypatch):
    options = {"search": search, "max_trials": 3}
    whole = table(toy.search(tmp_path / "whole", **options))
    write, count = files.write, itertools.count()
    monkeypatch.setattr(files, "write", lambda *args: (next(count), write(*args))[1])
    toy.search(tmp_path / "counted", **options)
    writes = next(count)
    assert writes > 12
    for moment in range(1, writes, 4 if search == "random" else 5):
        count = itertools.count()

        def stopping(path, content, count=count, moment=moment):
            if next(count) == moment:
                raise KeyboardInterrupt
            return write(path, content)

        monkeypatch.setattr(files, "write", stopping)
        build, trained = counted()
        folder = tmp_path / f"at{moment}"
        with pytest.raises(KeyboardInterrupt):
            toy.search(folder, build, **options)
        monkeypatch.setattr(files, "write", write)
        ended = [path for path in folder.glob("trials/*/trial.json") if json.loads(path.read_text())["status"] in ("COMPLETED", "FAILED")]
        before = len(trained)
        assert table(toy.search(folder, build, **options)) == whole, moment
        assert len(trained) - before == 3 - len(ended), "trials that ended are not run again"


def test_a_trial_that_fails_is_told_of_and_never_best(tmp_path):
    def build(hp):
        kind = hp.Choice("kind", ["good", "refused", "diverges"])
        if kind == "refused":
            raise ValueError("no such sharing")
        model = toy.build(hp)
        model.optimizer.learning_rate = 1e30 if kind == "diverges" else 0.25
        return model

    result = toy.search(tmp_path / "s", build, search="grid", alphas="fixed", epochs=3)
    assert list(result.trials["status"]) == ["completed", "failed", "failed"]
    assert result.best == result.default and result.trials["score"].isna().tolist() == [False, True, True]
    assert (
        list(result.trials["kind"]) == ["good", "refused", "diverges"]
        and "no such sharing" in result.trials["message"][1]
        and "finite" in result.trials["message"][2]
    )
    assert "Failed: 2 of 3" in result.to_text() and "no such sharing" in result.to_markdown()


def test_if_nothing_can_be_trained_the_search_ends_with_the_reason(tmp_path):
    def build(hp):
        model = toy.build(hp)
        model.optimizer.learning_rate = 1e30
        return model

    with pytest.raises(ValueError, match="all of the first trials failed. The first said: .*finite"):
        toy.search(tmp_path / "s", build, max_trials=9, epochs=3)
    assert list(tuning.load_result(tmp_path / "s").trials["status"]) == ["failed"] * 3


def test_an_error_that_is_no_trials_own_stops_and_the_trial_is_run_again(tmp_path):
    build, trained = counted()

    def broken(hp):
        if len(trained) == 1:
            raise RuntimeError("the disk is gone")
        return build(hp)

    with pytest.raises(RuntimeError, match="the disk is gone"):
        toy.search(tmp_path / "s", broken)
    assert list(tuning.load_result(tmp_path / "s").trials["status"]) == ["completed", "running"]
    trained.clear()
    assert list(toy.search(tmp_path / "s", broken, max_trials=2).trials["status"]) == ["completed"] * 2 and len(trained) == 1


def test_delta_m_has_single_task_models_trained_once_and_the_template_survives(tmp_path, eagerly):
    template, rows = toy.template(balancer="uncertainty_weighting"), tf.data.Dataset.from_tensors(toy.rows())
    before, options = template.get_weights(), {"epochs": 2, "max_trials": 2, "architectures": ["hard_sharing", "mmoe"]}
    result = tuning.tune(template, rows, rows, folder=tmp_path / "s", **options)
    alone = {task.name: task.replace(alpha=1.0) for task in template.tasks}
    keras.utils.set_random_seed(3)
    model = single_task((4,), list(alone.values()), trunk="mlp", tower=(3,), optimizer=keras.optimizers.SGD(0.01), seed=3)
    history = model.fit(rows, validation_data=rows, epochs=2, verbose=0).history
    assert result.baseline["a_mae"] == pytest.approx(min(history["val_a_mae"]), rel=1e-5)
    assert result.baseline["b_auc"] == pytest.approx(max(history["val_b_auc"]), rel=1e-5)
    metrics = result.default["metrics"]
    assert result.default["score"] == pytest.approx(evaluation.delta_m(metrics, result.baseline, template.tasks))
    kept = (tmp_path / "s" / "baseline.json").read_text()
    (tmp_path / "s" / "baseline.json").write_text(kept.replace("}", ', "seen": 1.0}'))
    assert tuning.tune(template, rows, rows, folder=tmp_path / "s", **options).baseline["seen"] == 1.0, "it is not trained again"
    for mine, theirs in zip(before, template.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert template.fit(rows, verbose=0) and rebuild(template)
    given = tuning.objective("delta_m", toy.tasks(), {"zero_mse": 0.5, "one_mse": 0.5})
    assert toy.search(tmp_path / "given", objective=given, max_trials=1).baseline == {"zero_mse": 0.5, "one_mse": 0.5}
    with pytest.raises(ValueError, match="must be made for the tasks"):
        tuning.tune(template, rows, rows, folder=tmp_path / "other", objective=given)
    with pytest.raises(ValueError, match="must hold its own baseline"):
        toy.search(tmp_path / "toy", objective="delta_m")


def test_a_folder_of_another_search_is_refused_with_what_differs(tmp_path):
    folder = tmp_path / "s"
    toy.search(folder, max_trials=1)
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def renamed(hp):
        return toy.build(hp)

    def build(hp):
        return hp.Int("units", 1, 3) and toy.build(hp)

    for changes, told in [
        ({"search": "bayesian"}, 'search: "random" there, "bayesian" here'),
        ({"objective": "one"}, "objective: name"),
        ({"alphas": "log"}, 'space: alphas kind "simplex" there, "log" here'),
        ({"epochs": 2}, "epochs: 1 there, 2 here"),
        ({"builder": renamed}, 'function "build" there, "renamed" here'),
        ({"builder": build}, "space: declared"),
    ]:
        with pytest.raises(ValueError, match=told):
            toy.search(folder, **changes)
    with pytest.raises(ValueError, match="train: batches 1 there, null here"):
        tuning.tune(toy.build, toy.ARRAYS, toy.DATA, folder=folder, alphas="simplex", objective=toy.BOTH, epochs=1)
    assert kept == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}, "nothing is lost"
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("dear")
    for place in (tmp_path / "letters", tmp_path / "letters" / "mine.txt"):
        with pytest.raises(ValueError, match="holds something else"):
            toy.search(place)


def test_other_tasks_models_and_data_are_told_of(tmp_path):
    one, rows = toy.template(), toy.rows()
    known = {"search": "random", "epochs": 1, "seed": 3, "train": rows, "validation": rows}
    space = _space.make(one, "log")
    said = _identity.describe(space, tuning.objective("a", space.tasks), **known)
    _identity.claim(tmp_path / "s", said)
    changed = toy.hard_sharing((4,), [Task.regression("a", alpha=2.0), Task.binary("b")], trunk="mlp", tower=(3,), seed=3)
    with pytest.raises(ValueError, match="train: content"):
        tuning.tune(one, toy.rows(seed=1), rows, folder=tmp_path / "s", objective="a", epochs=1)
    for template, told in [
        (changed, "tasks: a alpha 0.5 there, 2.0 here"),
        (toy.template(tower=()), r"model: tower \[3\] there, \[\] here"),
    ]:
        with pytest.raises(ValueError, match=told):
            tuning.tune(template, rows, rows, folder=tmp_path / "s", objective="a", epochs=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": "randm"}, "Did you mean 'random'"),
        ({"epochs": 0}, "`epochs` must be"),
        ({"max_trials": 0}, "`max_trials` must be"),
        ({"objective": "two"}, "`objective` must be one of"),
        ({"objective": "loss"}, "smallest alphas would win"),
        ({"alphas": "fixed"}, "nothing else is searched"),
        ({"alphas": AlphaSpace(pivot="two")}, "`pivot` must be one of"),
    ],
)
def test_bad_values_leave_no_folder(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        toy.search(tmp_path / "s", **changes)
    assert not (tmp_path / "s").exists()


def test_bad_data_and_half_a_protocol_are_refused(tmp_path, monkeypatch):
    for data in (None, (1, 2, 3, 4)):
        with pytest.raises(ValueError, match="`validation` must be a tf.data.Dataset"):
            tuning.tune(toy.build, toy.DATA, data, folder=tmp_path / "s", objective="one")
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ValueError, match="`KERASTUNER_ORACLE_PORT` must be set"):
        toy.search(tmp_path / "s")
    assert not (tmp_path / "s").exists()
