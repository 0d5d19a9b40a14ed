"""Backward passes of balancers that see gradients: Gram matrices, weighted shared parameters, plain heads, modes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import Direction, GramBalancer, JacobianBalancer
from tests import helpers

TASKS = (Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0), Task.multilabel("c", 2))
ROWS = 24


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Recording(GramBalancer):
    """Weights from the losses' order and the Gram matrix, and a record of what it was given."""

    def build(self, input_shape):
        self.seen = self.state("seen", (input_shape[0],) * 2, dtype="float64")
        self.calls = self.state("calls", ())

    def solve(self, gram, losses):
        return 0.5 + ops.diagonal(gram) / (1 + ops.sum(ops.diagonal(gram)))

    def update(self, losses, present, gram=None):
        self.seen.assign(ops.where(ops.logical_and(present[:, None], present), gram, self.seen))
        self.calls.assign(self.calls + 1)


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class RecordingRows(JacobianBalancer):
    """The same weights from the gradients themselves, or their squares for rows; it keeps what it was given."""

    def __init__(self, squares=False, *, every=1, freeze_after=None, name=None):
        super().__init__(every=every, freeze_after=freeze_after, name=name)
        self.squares = squares

    def build(self, input_shape):
        self.rows = self.kept("rows", input_shape[0])
        self.seen = self.state("seen", (input_shape[0],) * 2, dtype="float64")
        self.calls = self.state("calls", ())
        self.moving = [*self.rows, self.seen]

    def direct(self, losses, present, jacobian, representation=None):
        gram = sum(ops.matmul(rows, ops.transpose(rows)) for rows in (ops.cast(block, "float64") for block in jacobian))
        squares = ops.where(present, ops.diagonal(gram), 0.0)
        factors = ops.where(present, 0.5 + squares / (1 + ops.sum(squares)), 0.0)
        state = tuple(ops.where(present[:, None], new, old) for new, old in zip((*jacobian, gram), self.moving, strict=True))
        return Direction([ops.square(rows) for rows in jacobian] if self.squares else None, factors, factors, state)

    def update(self, losses, present, state=()):
        super().update(losses, present, state)
        self.calls.assign(self.calls + 1)

    def get_config(self):
        return {**super().get_config(), "squares": self.squares}


PLACES = ["parameters", "representation", "gradients"]


def recording(at, **modes):
    """A recorder of Gram matrices at a place, or of the gradients themselves."""
    return RecordingRows(name="recording", **modes) if at == "gradients" else Recording(at=at, name="recording", **modes)


def build(balancer, tasks=TASKS, trunk=None, **arguments):
    trunk = trunk or trunks.mlp((8, 5), activation="tanh")
    model = mtlzoo.architectures.hard_sharing((6,), list(tasks), trunk=trunk, seed=0, **arguments)
    model.compile(keras.optimizers.SGD(1.0), balancer=balancer)
    return model


def data(tasks=TASKS, rows=ROWS):
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, 6)).astype("float32"), helpers.labels_for(tasks, rows, rng)


def reference(model, x, y, sample_weight=None):
    """Gradients of every task on its own, by weight path, and the Gram matrices over parameters and representation."""
    shared = [v for v in model.trainable_variables if v.path.startswith("dense")]
    encoder = keras.Model(model.input, model.representation)
    rows, at_z = [], []
    for index in range(len(model.tasks)):
        with tf.GradientTape() as tape:
            z = encoder(x)
            tape.watch(z)
            outputs = {t.name: model.get_layer(t.name)(z) for t in model.tasks}
            losses, _ = model.task_losses(*model.task_losses.pick(y, outputs, sample_weight))
            loss = losses[index]
        sources = [*[v.value for v in model.trainable_variables], z]
        gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
        at_z.append(gradients.pop().numpy().ravel())
        rows.append({v.path: g.numpy() for v, g in zip(model.trainable_variables, gradients, strict=True)})
    flat = np.array([np.concatenate([row[v.path].ravel() for v in shared]) for row in rows], "float64")
    at_z = np.array(at_z, "float64")
    return rows, {"parameters": flat @ flat.T, "gradients": flat @ flat.T, "representation": at_z @ at_z.T}


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("every", [1, 2])
def test_shared_parameters_take_the_weights_and_heads_stay_plain(at, every):
    model = build(recording(at, every=every))
    x, y = data()
    for step in range(3):
        rows, grams = reference(model, x, y)
        before = helpers.named_weights(model)
        logs = model.train_on_batch(x, y, return_dict=True)
        after = helpers.named_weights(model)
        if step % every == 0:
            np.testing.assert_allclose(model.balancer.seen.numpy(), grams[at], rtol=1e-4, atol=1e-7)
            weights = 0.5 + np.diag(grams[at]) / (1 + np.trace(grams[at]))
        np.testing.assert_allclose(model.balancer.last.numpy(), weights, rtol=1e-4)
        for path, value in before.items():
            factors = [task.alpha * (w if path.startswith("dense") else 1.0) for task, w in zip(TASKS, weights, strict=True)]
            wanted = sum(factor * row[path] for factor, row in zip(factors, rows, strict=True))
            np.testing.assert_allclose(value - after[path], wanted, atol=2e-5, err_msg=path)
    assert model.balancer.calls.numpy() == (3 if every == 1 else 2)
    assert {"a_weight", "b_weight", "c_weight"} <= set(logs)


@pytest.mark.parametrize("at", PLACES)
def test_a_task_without_labels_or_with_alpha_zero_is_as_if_it_were_not_there(at):
    x, y = data()
    three, two = (build(recording(at), tasks) for tasks in (TASKS, TASKS[:2]))
    weights = helpers.ones_for(TASKS, ROWS)
    weights["c"] *= 0
    switched = build(recording(at), [*TASKS[:2], TASKS[2].replace(alpha=0.0)])
    for _ in range(3):
        three.train_on_batch(x, y, sample_weight=weights)
        switched.train_on_batch(x, y)
        two.train_on_batch(x, {name: y[name] for name in "ab"})
    for path, value in helpers.named_weights(two).items():
        np.testing.assert_allclose(helpers.named_weights(three)[path], value, atol=1e-5, err_msg=path)
        np.testing.assert_allclose(helpers.named_weights(switched)[path], value, atol=1e-5, err_msg=path)


def test_the_head_of_one_task_trains_behind_the_representation():
    model, (x, y) = build(recording("representation"), TASKS[:1]), data()
    rows, grams = reference(model, x, y)
    before = helpers.named_weights(model)
    logs = model.train_on_batch(x, y, return_dict=True)
    weight = 0.5 + grams["representation"][0, 0] / (1 + grams["representation"][0, 0])
    np.testing.assert_allclose(logs["a_weight"], weight, rtol=1e-4)
    for path, value in helpers.named_weights(model).items():
        factor = TASKS[0].alpha * (weight if path.startswith("dense") else 1.0)
        np.testing.assert_allclose(before[path] - value, factor * rows[0][path], atol=2e-5, err_msg=path)


@pytest.mark.parametrize("at", PLACES)
def test_regularisers_count_once_and_are_not_weighed(at):
    layer = keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer=keras.regularizers.L1(0.01))
    trunk = trunks.Trunk({"dense": layer})
    regular = build(recording(at), trunk=trunk)
    bare = build(recording(at), trunk=trunks.Trunk({"dense": keras.layers.Dense(5)}))
    x, y = data()
    kernel = regular.get_layer("dense_dense").kernel.numpy().copy()
    bias = regular.get_layer("dense_dense").bias.numpy().copy()
    with tf.GradientTape() as tape:
        k = tf.Variable(kernel)
        added = 0.1 * tf.reduce_sum(k**2) + 0.01 * tf.reduce_sum(tf.abs(x @ k + bias)) / ROWS
    wanted = tape.gradient(added, k).numpy()
    for model in (regular, bare):
        model.train_on_batch(x, y)
    difference = bare.get_layer("dense_dense").kernel.numpy() - regular.get_layer("dense_dense").kernel.numpy()
    np.testing.assert_allclose(difference, wanted, atol=1e-5)


@pytest.mark.parametrize("at", PLACES)
def test_replicas_train_as_one_device(at):
    x, y = data()
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(ROWS)
    alone = build(recording(at))
    with helpers.two_replicas().scope():
        mirrored = build(recording(at))
    for model in (alone, mirrored):
        model.fit(dataset, epochs=3, verbose=0)
    np.testing.assert_allclose(mirrored.balancer.seen.numpy(), alone.balancer.seen.numpy(), rtol=1e-3, atol=1e-6)
    assert helpers.same_weights(alone, mirrored, atol=1e-4)


@pytest.mark.parametrize("at", PLACES)
def test_scaled_losses_of_mixed_precision_do_not_reach_the_balancer(at):
    x, y = data()
    plain = build(recording(at))
    plain.train_on_batch(x, y)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = build(recording(at))
    finally:
        keras.config.set_dtype_policy("float32")
    assert isinstance(mixed.optimizer, keras.optimizers.LossScaleOptimizer)
    mixed.train_on_batch(x, y)
    np.testing.assert_allclose(mixed.balancer.seen.numpy(), plain.balancer.seen.numpy(), rtol=0.05, atol=1e-3)
    assert helpers.same_weights(plain, mixed, atol=0.02)


@pytest.mark.parametrize("at", PLACES)
def test_frozen_weights_are_the_mean_over_the_second_half(at):
    model = build(recording(at, freeze_after=4))
    x, y = data()
    kept = []
    for _ in range(7):
        logs = model.train_on_batch(x, y, return_dict=True)
        kept.append(model.balancer.last.numpy().copy())
        model.reset_metrics()
    np.testing.assert_allclose(model.balancer.mean.numpy(), np.mean(kept[2:4], axis=0), rtol=1e-6)
    assert model.balancer.calls.numpy() == 4 and model.balancer.steps.numpy() == 7
    np.testing.assert_allclose([logs[f"{t.name}_weight"] for t in TASKS], model.balancer.mean.numpy(), rtol=1e-6)


@pytest.mark.parametrize("at", PLACES)
def test_modes_and_state_are_saved(at, tmp_path):
    model = build(recording(at, every=2, freeze_after=9))
    x, y = data()
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.balancer.get_config() == model.balancer.get_config()
    ours, theirs = (m.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history for m in (model, loaded))
    assert ours == theirs
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_rows_of_a_balancer_replace_the_gradients_of_the_shared_parameters(precision):
    keras.config.set_dtype_policy(precision)
    try:
        model = build(RecordingRows(squares=True, name="recording"))
    finally:
        keras.config.set_dtype_policy("float32")
    plain, (x, y) = build(None), data()
    exact = {"rtol": 1e-4, "atol": 1e-6} if precision == "float32" else {"rtol": 0.02, "atol": 5e-3}
    rows, grams = reference(plain, x, y)
    before = helpers.named_weights(model)
    model.train_on_batch(x, y)
    after = helpers.named_weights(model)
    shared = [v.path for v in model.trainable_variables if v.path.startswith("dense")]
    for path, seen in zip(shared, model.balancer.rows, strict=True):
        np.testing.assert_allclose(seen.numpy(), [row[path].ravel() for row in rows], **exact, err_msg=path)
    weights = 0.5 + np.diag(grams["parameters"]) / (1 + np.trace(grams["parameters"]))
    for path in before:
        terms = [row[path] ** 2 * weight if path in shared else row[path] for row, weight in zip(rows, weights, strict=True)]
        wanted = sum(task.alpha * term for task, term in zip(TASKS, terms, strict=True))
        np.testing.assert_allclose(before[path] - after[path], wanted, **exact, err_msg=path)


@pytest.mark.parametrize("at", PLACES)
def test_steps_whose_scaled_losses_overflow_leave_no_trace(at):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(recording(at, every=2 if at == "gradients" else 1), trunk=trunks.mlp((5,)))
    finally:
        keras.config.set_dtype_policy("float32")
    x, y = data()
    model.train_on_batch(x, y)
    kept = [v for v in [*model.balancer.variables, *model.trainable_variables] if v.name not in ("steps", "calls")]
    before = [variable.numpy().copy() for variable in kept]
    model.optimizer.dynamic_scale.assign(2.0**40)
    for _ in range(4):
        logs = model.train_on_batch(x, y, return_dict=True)
        assert np.all(np.isfinite(list(logs.values())))
    for variable, value in zip(kept, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)
    assert float(model.optimizer.dynamic_scale.numpy()) == 2.0**36
    model.optimizer.dynamic_scale.assign(2.0**10)
    model.train_on_batch(x, y)
    assert not np.array_equal(kept[-1].numpy(), before[-1])


def test_what_an_architecture_cannot_serve_is_said_at_compile():
    single = mtlzoo.architectures.single_task((6,), list(TASKS), trunk="mlp")
    with pytest.raises(ValueError, match="shares none between its tasks. Use an architecture that shares"):
        single.compile("sgd", balancer=Recording(name="recording"))
    apart = mtlzoo.architectures.hard_sharing({task.name: (6,) for task in TASKS}, list(TASKS), trunk="mlp")
    with pytest.raises(ValueError, match="must have at='parameters' on this model: its tasks do not read one"):
        apart.compile("sgd", balancer=Recording(at="representation", name="recording"))
    apart.compile("sgd", balancer=Recording(name="recording"))


def test_every_and_freezing_are_refused_on_several_replicas():
    with helpers.two_replicas().scope():
        model = mtlzoo.architectures.hard_sharing((6,), list(TASKS), trunk="mlp")
        with pytest.raises(ValueError, match="every=1 and no freeze_after"):
            model.compile("sgd", balancer=Recording(every=2, name="recording"))


def test_shared_parameters_are_found_in_the_graph():
    x = keras.Input((6,))
    low = keras.layers.Dense(4, name="low")(x)
    pair = keras.layers.Dense(4, name="pair")(low)
    outputs = {
        "a": keras.layers.Dense(3, name="a", activation="softmax")(pair),
        "b": keras.layers.Dense(1, name="b")(pair),
        "c": keras.layers.Dense(2, name="c", activation="sigmoid")(keras.layers.Dense(4, name="mine")(low)),
    }
    model = mtlzoo.MultiTaskModel(x, outputs, tasks=TASKS)
    model.compile("sgd", balancer=Recording(name="recording"))
    sharing = model._backward.sharing
    paths = [variable.path for variable in model.trainable_variables]
    assert {paths[index].split("/")[0] for index in sharing.shared} == {"low", "pair"}
    assert [{paths[index].split("/")[0] for index in own} for own in sharing.own] == [{"a"}, {"b"}, {"mine", "c"}]
    model.train_on_batch(*data())


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Looking(mtlzoo.balancing.Balancer):
    """Equal weights, and a record of epochs and of losses after the step."""

    looks_again = True

    def build(self, input_shape):
        self.before, self.after = self.state("before", input_shape), self.state("after", input_shape)
        self.epochs = []

    def call(self, losses, present, gram=None):
        return ops.ones_like(losses)

    def look_again(self, losses, new_losses, present):
        self.before.assign(losses)
        self.after.assign(new_losses)

    def start_epoch(self, epoch):
        self.epochs.append(epoch)

    def end_epoch(self):
        self.epochs.append("end")


def test_balancers_may_look_at_the_losses_after_the_step_and_know_the_epochs():
    model = build(Looking(name="looking"), trunk=trunks.mlp((8,), batch_norm=True))
    x, y = data()
    before = [v.numpy() for v in model.non_trainable_variables]
    logs = model.train_on_batch(x, y, return_dict=True)
    np.testing.assert_allclose([logs[f"{t.name}_loss"] for t in TASKS], model.balancer.before.numpy(), rtol=1e-5)
    losses, _ = model.task_losses(*model.task_losses.pick(y, model(x, training=True), None))
    np.testing.assert_allclose(model.balancer.after.numpy(), losses.numpy(), rtol=1e-4)
    assert not np.allclose(model.balancer.after.numpy(), model.balancer.before.numpy())
    plain = build(None, trunk=trunks.mlp((8,), batch_norm=True))
    plain.train_on_batch(x, y)
    looked = build(Looking(name="looking"), trunk=trunks.mlp((8,), batch_norm=True))
    looked.train_on_batch(x, y)
    assert helpers.same_weights(plain, looked, atol=1e-6), "the second look leaves no trace in the statistics"
    assert any(not np.array_equal(b, v.numpy()) for b, v in zip(before, plain.non_trainable_variables, strict=True))
    looked.fit(x, y, epochs=5, initial_epoch=3, verbose=0, validation_data=(x, y))
    looked.fit(x, y, None, 1, 0, [])
    assert looked.balancer.epochs == [3, "end", 4, "end", 0, "end"]


@pytest.mark.parametrize("at", PLACES)
def test_gradients_that_nearly_oppose_keep_their_angle(at):
    tasks = [Task.regression("b"), Task.regression("c")]
    model = build(recording(at), tasks, trunk=trunks.mlp((4,), activation="linear"))
    for name, sign in (("b", 1.0), ("c", -1.0)):
        head = model.get_layer(name)
        head.kernel.assign(sign * np.array([[1.0], [1.0], [1.0], [1.0 + (1e-3 if name == "c" else 0.0)]]))
    x = np.ones((4, 6), "float32")
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(x, {"b": np.full(4, 50.0), "c": np.full(4, 50.0)})
    gram = model.balancer.seen.numpy()
    sine = np.sqrt(1 - gram[0, 1] ** 2 / gram[0, 0] / gram[1, 1])
    np.testing.assert_allclose(sine, np.sqrt(3) / 4 * 1e-3, rtol=2e-2)


@keras.saving.register_keras_serializable(package="mtlzoo_tests")
class Unsolved(GramBalancer):
    """A balancer whose problem is not solved from the third step on."""

    solves = True

    def solve(self, gram, losses):
        return self.solved(ops.ones_like(losses), ops.where(self.steps < 2, 0.0, 0.125))


@pytest.mark.parametrize("at", ["parameters", "representation"])
def test_a_problem_that_is_not_solved_stops_with_the_balancer_s_name_and_the_residual(at):
    model = build(Unsolved(at=at, name="unsolved"))
    x, y = data()
    for _ in range(2):
        model.train_on_batch(x, y)
    before = helpers.named_weights(model)
    with pytest.raises(ValueError, match="'unsolved' gave weights that are not finite .residual of its problem 0.125"):
        model.fit(x, y, batch_size=8, verbose=0)
    assert all(np.array_equal(value, before[path]) for path, value in helpers.named_weights(model).items())
    with pytest.raises(ValueError, match="`a` is not finite"):
        model.fit(np.full_like(x, np.nan), y, batch_size=8, verbose=0)
