"""Task affinity against its definition, and with known answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtlzoo import MultiTaskModel, Task, architectures, trunks
from mtlzoo.callbacks import GradientSimilarity, TaskAffinity
from mtlzoo.callbacks._lookahead import Lookahead
from mtlzoo.data import multitab_rows
from mtlzoo.evaluation import group_tasks
from tests import helpers

TASKS = [Task.multiclass("a", 3), Task.regression("b", alpha=0.1), Task.binary("c")]
ROWS, RATE = 16, 0.3


def build(architecture="hard_sharing", *, dropout=0.0, optimizer="sgd"):
    trunk = trunks.mlp((4,), batch_norm=True, dropout=dropout)
    return architectures.get(architecture)((5,), TASKS, trunk=trunk, optimizer=optimizer, seed=0)


def embedded():
    """A model whose shared parameters have sparse gradients."""
    x = keras.Input((5,))
    h = keras.layers.Flatten()(keras.layers.Embedding(4, 3, name="table")(keras.ops.cast(x, "int32")))
    model = MultiTaskModel(
        x, {task.name: keras.layers.Dense(task.units, task.activation, name=task.name)(h) for task in TASKS}, tasks=TASKS
    )
    model.compile("sgd")
    return model


@pytest.fixture
def batch(rng):
    return rng.integers(0, 4, (ROWS, 5)).astype("float32"), helpers.labels_for(TASKS, ROWS, rng)


def measured(model, batch, **options):
    """The affinities of a model as it stands."""
    affinity = TaskAffinity(batch, **options)
    affinity.set_model(model)
    affinity.on_train_begin()
    return affinity.matrix


def by_definition(model, batch, rate, shared):
    """One task after the other: a step of the shared weights, the losses, and all weights back."""
    x, y = batch
    moving = [variable for variable in model.trainable_variables if variable.path.startswith(shared)]
    start = model.get_weights()

    def losses():
        return model.task_losses.values(*model.task_losses.pick(y, model(x, training=True), None))[0]

    before, rows = np.array(losses()), []
    for index in range(len(TASKS)):
        model.set_weights(start)
        with tf.GradientTape() as tape:
            loss = losses()[index]
        for variable, gradient in zip(moving, tape.gradient(loss, [variable.value for variable in moving]), strict=True):
            variable.assign(variable - rate * tf.convert_to_tensor(gradient))
        rows.append(1 - np.array(losses()) / before)
    model.set_weights(start)
    return np.array(rows)


@pytest.mark.parametrize(
    ("architecture", "shared"),
    [("hard_sharing", "dense1"), pytest.param("mmoe", "experts", marks=pytest.mark.slow), ("cross_stitch", "tasks")],
)
def test_it_is_the_definition(batch, architecture, shared):
    """What has a slice a task (gates, stitches) counts as each task's own."""
    model = build(architecture)
    wanted = by_definition(model, batch, RATE, shared)
    found = measured(model, batch, learning_rate=RATE)
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    assert np.abs(found).min() > 1e-4 and not np.allclose(found, found.T, atol=1e-4)


def test_sparse_gradients_are_followed_too(batch):
    model = embedded()
    np.testing.assert_allclose(measured(model, batch, learning_rate=RATE), by_definition(model, batch, RATE, "table"), atol=2e-6)


def test_a_toy_with_a_known_answer():
    """L_t = (a_t·w − y_t)², so that a step on i makes w − η·2·a_i·(a_i·w − y_i)."""
    tasks = [Task.regression(name) for name in ("one", "two", "three")]
    x = keras.Input((1,))
    w = keras.layers.Dense(1, use_bias=False, name="w")(x)
    model = MultiTaskModel(x, {t.name: keras.layers.Dense(1, use_bias=False, name=t.name)(w) for t in tasks}, tasks=tasks)
    model.compile(keras.optimizers.SGD(0.05))
    slopes, labels = np.array([1.0, 2.0, -1.0]), np.array([3.0, 1.0, 1.0])
    for layer, value in zip(("w", "one", "two", "three"), (1.5, *slopes), strict=True):
        model.get_layer(layer).set_weights([np.array([[value]])])
    batch = np.ones((2, 1)), {task.name: np.full(2, label) for task, label in zip(tasks, labels, strict=True)}
    moved = 1.5 - 0.05 * 2 * slopes * (slopes * 1.5 - labels)
    wanted = 1 - ((np.outer(moved, slopes) - labels) / (1.5 * slopes - labels)) ** 2
    found = measured(model, batch)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert found[1, 2] > 0 > found[0, 2]


def test_the_step_is_the_optimizer_s_at_the_time(batch):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [RATE, 0.001])
    model, affinity = build(optimizer=keras.optimizers.SGD(schedule)), TaskAffinity(batch, every=2)
    affinity.set_model(model)
    affinity.on_train_begin()
    model.optimizer.iterations.assign(2)
    for epoch in range(3):
        affinity.on_epoch_end(epoch, {})
    assert affinity.steps == [0, 2]
    frame = affinity.frame.pivot(index=["step", "source"], columns="target", values="affinity")
    first, second = (measured(model, batch, learning_rate=rate) for rate in (RATE, 0.001))
    np.testing.assert_allclose(frame.loc[0], first, atol=1e-6)
    np.testing.assert_allclose(frame.loc[2], second, atol=1e-6)
    np.testing.assert_allclose(affinity.matrix, (first + second) / 2, atol=1e-6)


def test_the_training_does_not_notice_and_nothing_is_traced_again(batch, monkeypatch):
    x, y = batch
    traces, original = [], Lookahead._affinity
    monkeypatch.setattr(Lookahead, "_affinity", lambda *arguments: traces.append(1) or original(*arguments))
    plain, watched = build(dropout=0.3), build(dropout=0.3)
    affinity = TaskAffinity(batch)
    for model, callbacks in ((plain, []), (watched, [affinity, GradientSimilarity(batch)])):
        model.fit(x, y, batch_size=8, shuffle=False, epochs=3, verbose=0, callbacks=callbacks)
    for one, other in zip(watched.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    assert affinity.steps == [0, 2, 4, 6]
    assert len(traces) == 1


def test_two_forward_passes_are_traced_whatever_the_number_of_tasks(batch, monkeypatch):
    model, calls = build(), []
    original = type(model).call
    monkeypatch.setattr(type(model), "call", lambda self, *args, **options: calls.append(1) or original(self, *args, **options))
    measured(model, batch)
    assert len(calls) == 2, "one in front of the steps, and one in the loop over them"


def test_dropout_is_the_same_before_and_after(batch):
    """With no step at all nothing changes, though half of the units are left out at random."""
    np.testing.assert_allclose(measured(build(dropout=0.5), batch, learning_rate=1e-12), 0, atol=1e-6)


def test_tasks_without_labels_take_no_part(batch):
    x, y = batch
    some = {**helpers.ones_for(TASKS, ROWS), "b": (np.arange(ROWS) < ROWS // 2).astype("float32")}
    none = {**some, "b": np.zeros(ROWS, "float32")}
    affinity, found = TaskAffinity((x, y, some), learning_rate=RATE), []
    affinity.set_model(build())
    for batches in ([(x, y, some)], [(x, y, none)], [(x, y, some), (x, y, none)]):
        affinity.batches = batches
        found.append(affinity.measure()["affinity"])
    half, missing, both = found
    assert np.isfinite(half).all() and np.isnan(missing).sum() == 5
    assert np.isnan(missing[1]).all() and np.isnan(missing[:, 1]).all()
    np.testing.assert_allclose(both[1], half[1], atol=1e-6)
    np.testing.assert_allclose(both[::2, ::2], (half + missing)[::2, ::2] / 2, atol=1e-6)


def over_a_training(correlation, tasks=2, seed=0, **options):
    """Affinities of linear tasks with a correlation, which share four units."""
    named = [Task.regression(f"y{place + 1}") for place in range(tasks)]
    x, y, _ = multitab_rows(512, degrees=[1] * tasks, correlation=correlation, features=8, seed=seed)
    model = architectures.hard_sharing((8,), named, trunk=trunks.mlp((4,)), optimizer=keras.optimizers.SGD(0.1), seed=seed)
    affinity = TaskAffinity((x, y), **options)
    model.fit(x, y, batch_size=64, shuffle=False, epochs=10, verbose=0, callbacks=[affinity])
    return affinity.matrix


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2))])
def test_equal_tasks_have_a_higher_affinity_than_unrelated_ones(seed):
    equal, unrelated = (over_a_training(correlation, seed=seed) for correlation in (1.0, 0.0))
    assert equal[0, 1] > unrelated[0, 1] + 0.005 and equal[1, 0] > unrelated[1, 0] + 0.005


@pytest.mark.slow
def test_grouping_finds_two_planted_groups_of_three():
    planted = np.kron(np.eye(2), np.ones((3, 3)))
    affinity = np.mean([over_a_training(planted, tasks=6, seed=seed) for seed in range(3)], axis=0)
    found = group_tasks(affinity, 2, names=[f"y{place}" for place in range(1, 7)])
    assert found.served == (("y1", "y2", "y3"), ("y4", "y5", "y6")), affinity.round(4)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["escm2", "learning_to_branch", "joint_attention", "stem", "chained", "nddr"])
def test_models_of_every_sort_are_measured_and_stay_as_they_are(architecture, rng):
    """Losses that read labels, random choices, attention, stopped gradients, chains and copies of a trunk."""
    tasks = [Task.binary(name) for name in ("click", "like", "buy")]
    model = architectures.get(architecture)((6,), tasks, trunk=trunks.mlp((4, 4)))
    before = [variable.numpy() for variable in model.variables]
    batch = rng.normal(size=(ROWS, 6)).astype("float32"), helpers.labels_for(tasks, ROWS, rng)
    found = measured(model, batch, learning_rate=0.1)
    assert np.isfinite(found).all() and np.abs(np.diag(found)).min() > 0
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


@pytest.mark.slow
def test_replicas_and_half_precision(batch):
    wanted = measured(build(), batch, learning_rate=RATE)
    with helpers.two_replicas().scope():
        model = build()
        np.testing.assert_allclose(measured(model, batch, learning_rate=RATE), wanted, atol=1e-6)
        similarity, affinity = GradientSimilarity(batch), TaskAffinity(batch)
        model.fit(*batch, batch_size=8, epochs=2, verbose=0, callbacks=[similarity, affinity])
    assert similarity.steps == affinity.steps == [0, 2, 4] and np.isfinite(affinity.matrix).all()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = build(optimizer="adam")  # Becomes one that scales losses.
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(measured(half, batch, learning_rate=RATE), wanted, atol=0.02)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"learning_rate": 0.0}, ValueError, "`learning_rate` must be"),
        ({"every": 0}, ValueError, "`every`"),
        ({"data": 3}, TypeError, "`data`"),
    ],
)
def test_bad_arguments_are_refused(batch, options, error, message):
    with pytest.raises(error, match=message):
        TaskAffinity(**{"data": batch, **options})


def test_models_that_share_nothing_are_refused_before_the_first_step(batch):
    with pytest.raises(ValueError, match="for TaskAffinity to look at; this one shares none"):
        build("single_task").fit(*batch, verbose=0, callbacks=[TaskAffinity(batch)])
