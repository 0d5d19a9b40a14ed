"""Gradient similarity over a training: the report's measures, and a training that does not notice."""

import numpy as np
import pytest

from mtlzoo import Task, architectures, data, trunks
from mtlzoo.callbacks import GradientSimilarity
from tests import helpers

TASKS = [Task.multiclass("a", 3), Task.regression("b"), Task.binary("c")]
ROWS = 24


def build(architecture="hard_sharing", tasks=TASKS):
    """A model with dropout and batch norm."""
    trunk = trunks.mlp((4,), batch_norm=True, dropout=0.3)
    return architectures.get(architecture)((5,), tasks, trunk=trunk, optimizer="sgd", seed=0)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(ROWS, 5)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng)


def fit(model, batch, *callbacks, epochs=2):
    return model.fit(*batch, batch_size=8, shuffle=False, epochs=epochs, verbose=0, callbacks=list(callbacks)).history


def begin(model, batch, **options):
    """The callback after it has measured a model as it stands."""
    similarity = GradientSimilarity(batch, **options)
    similarity.set_model(model)
    similarity.on_train_begin()
    return similarity


def test_it_is_the_report_at_every_time(batch):
    model = build()
    report = model.gradient_report(batch)
    similarity = GradientSimilarity(batch)
    history = fit(model, batch, similarity)
    assert similarity.steps == [0, 3, 6] and similarity.tasks == ("a", "b", "c")
    frame = similarity.frame
    assert len(frame) == 9 and list(frame["step"].unique()) == [0, 3, 6]
    pairs = np.triu_indices(3, 1)
    for column, wanted in (("cosine", report.cosines), ("magnitude_similarity", report.magnitude_similarity)):
        np.testing.assert_allclose(frame[frame["step"] == 0][column], wanted[pairs], rtol=1e-5)
        found = {"cosine": similarity.cosines, "magnitude_similarity": similarity.magnitude_similarity}[column]
        np.testing.assert_allclose(found[pairs], frame.groupby(["task", "other"])[column].mean(), rtol=1e-6)
    last = frame[frame["step"] == 6].set_index(["task", "other"])["cosine"]
    assert [history[f"cosine_{one}_{other}"][-1] for one, other in last.index] == pytest.approx(list(last))
    assert history["mean_cosine"] == pytest.approx(similarity.mean_cosines[1:])
    assert similarity.mean_cosines[0] == pytest.approx(report.mean_cosine)
    end = model.gradient_report(batch)
    np.testing.assert_allclose(last, end.cosines[pairs], rtol=1e-5)


@pytest.mark.slow  # That of TaskAffinity, which watches along with this one, runs by default.
@pytest.mark.parametrize("options", [{}, {"every": 2, "unit": "steps"}])
def test_the_training_does_not_notice(batch, options):
    """Nor do the statistics of batch norms and the random states of dropout; a step at a time is rounded otherwise."""
    plain, watched = build(), build()
    assert any("seed" in variable.path for variable in plain.non_trainable_variables)
    logs, wanted = fit(watched, batch, GradientSimilarity(batch, **options)), fit(plain, batch)
    for one, other in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-6 if options else 0, err_msg=one.path)
    assert wanted["loss"] == pytest.approx(logs["loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"every": 5, "unit": "steps"}, [0, 5, 10]),
        *(pytest.param({"every": every}, steps, marks=pytest.mark.slow) for every, steps in ((2, [0, 6, 12]), (9, [0]))),
    ],
)
def test_it_measures_when_it_should(batch, options, steps):
    model, similarity = build(), GradientSimilarity(batch, log_pairs=False, **options)
    history = fit(model, batch, similarity, epochs=4)
    assert similarity.steps == steps
    assert len(history["mean_cosine"]) == 4 and not [key for key in history if key.startswith("cosine_")]
    fit(model, batch, similarity, epochs=1)
    assert similarity.steps[: len(steps)] == steps and len(set(similarity.steps)) == len(similarity.steps)


def test_batches_of_a_mixture_are_averaged_and_no_epoch_is_used_up(batch):
    mixture, again = (data.aligned(batch, TASKS, batch_size=6, seed=1) for _ in range(2))
    model = build()
    similarity = begin(model, mixture, batches=3)
    taken = list(again)[:3]
    for one, other in zip(similarity.batches, taken, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    reports = [model.gradient_report(part).cosines for part in taken]
    np.testing.assert_allclose(similarity.cosines, np.mean(reports, axis=0), rtol=1e-5)
    np.testing.assert_array_equal(next(iter(mixture))[0], taken[0][0])


def test_a_task_without_labels_has_no_cosine(batch):
    x, y = batch
    similarity = begin(build(), (x, y, {**helpers.ones_for(TASKS, ROWS), "b": np.zeros(ROWS, "float32")}))
    assert np.isnan(similarity.cosines[1]).all() and np.isfinite(similarity.cosines[0, 2])
    logs = {}
    similarity.on_epoch_end(0, logs)
    assert np.isnan(logs["cosine_a_b"]) and np.isfinite(logs["cosine_a_c"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"every": 0}, ValueError, "`every`"),
        ({"unit": "batches"}, ValueError, "`unit` must be one of"),
        ({"batches": 2}, ValueError, "`batches` must be at most"),
        ({"data": [1, 2]}, TypeError, "`data` must be"),
        ({"data": (np.ones(3),)}, ValueError, "`data` must have elements"),
    ],
)
def test_bad_arguments_are_refused(batch, options, error, message):
    with pytest.raises(error, match=message):
        GradientSimilarity(**{"data": batch, **options})


def test_models_with_nothing_to_compare_are_refused_before_the_first_step(batch):
    x, y = batch
    with pytest.raises(ValueError, match="this one shares none"):
        fit(build("single_task"), batch, GradientSimilarity(batch))
    with pytest.raises(ValueError, match="at least two tasks"):
        fit(build(tasks=TASKS[:1]), (x, {"a": y["a"]}), GradientSimilarity(batch))
    with pytest.raises(ValueError, match="has measured nothing"):
        GradientSimilarity(batch).cosines  # noqa: B018
    used = begin(build(), batch)
    used.set_model(build(tasks=TASKS[:2]))
    with pytest.raises(ValueError, match="make a new one"):
        used.on_train_begin()
