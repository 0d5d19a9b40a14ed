"""RotoGrad: lengths against the paper written out, rotations that align the task gradients, and what is saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, trunks
from mtlzoo.balancing import CRMOGM, RotoGrad, aggregate
from tests import helpers
from tests.balancing import gram_cases

TASKS = (Task.multiclass("a", 3, alpha=0.7), Task.regression("b", alpha=2.0), Task.multilabel("c", 2))
ROWS = 24


def reference(jacobians):
    """Weights for the Jacobians of each step."""
    first = np.linalg.norm(jacobians[0], axis=1)
    for jacobian in jacobians:
        norms = np.linalg.norm(jacobian, axis=1)
        shares = norms / first / np.sum(norms / first)
        yield np.sum(shares * norms) / norms


def build(balancer, tasks=TASKS, rate=0.5, **arguments):
    arguments = {"trunk": trunks.mlp((8, 5), activation="tanh"), "tower": (4,), "seed": 0, **arguments}
    model = mtlzoo.architectures.hard_sharing((6,), list(tasks), balancer=balancer, **arguments)
    model.compile(keras.optimizers.SGD(rate), balancer=model.balancer)
    return model


def data(tasks=TASKS, rows=ROWS, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 6)).astype("float32"), helpers.labels_for(tasks, rows, rng)


def rotations(model):
    return np.array([model.get_layer(f"{task.name}_rotation").matrix.numpy() for task in model.tasks], "float64")


def at_representation(model, x, y, sample_weight=None):
    """Gradients of every task's loss: at the representation [T, rows, d], and by weight path."""
    encoder, rows, at_z = keras.Model(model.input, model.representation), [], []
    for index in range(len(model.tasks)):
        with tf.GradientTape() as tape:
            z = encoder(x)
            tape.watch(z)
            outputs = keras.Model(model.representation, model.output)(z)
            loss = model.task_losses(*model.task_losses.pick(dict(y), outputs, sample_weight))[0][index]
        found = tape.gradient(loss, [z, *(v.value for v in model.trainable_variables)], unconnected_gradients="zero")
        at_z.append(found.pop(0).numpy())
        rows.append({v.path: g.numpy() for v, g in zip(model.trainable_variables, found, strict=True)})
    return np.array(at_z, "float64"), rows


def slopes(at_z, size=None):
    """M_k − M_kᵀ with M_k = Σ_n u_nk·v_nᵀ."""
    unit = at_z[..., :size] / np.linalg.norm(at_z, axis=(1, 2), keepdims=True)
    products = np.einsum("kni,nj->kij", unit, unit.mean(axis=0))
    return products - products.transpose(0, 2, 1)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_weights_agree_with_the_paper_written_out(scale, rng):
    jacobians = scale * rng.normal(size=(20, 4, 6)) * [[1e-6], [0.3], [1.0], [1e6]]
    run = gram_cases.runner(RotoGrad(), traced=True)
    got = [run(jacobian) for jacobian in jacobians]
    np.testing.assert_allclose(got, list(reference(jacobians)), rtol=1e-6)


def test_all_gradients_get_one_length_and_stragglers_decide_on_it(rng):
    balancer = RotoGrad()
    jacobian = rng.normal(size=(3, 9))
    aggregate(balancer, jacobian)
    norms = np.linalg.norm(jacobian, axis=1)
    for shrunk in (1.0, 1e-3):
        now = jacobian * [[1.0], [shrunk], [shrunk]]
        direction, weights = aggregate(balancer, now)
        lengths = weights.numpy() * np.linalg.norm(now, axis=1)
        np.testing.assert_allclose(lengths, lengths[0], rtol=1e-12)
        np.testing.assert_allclose(direction, now.T @ weights.numpy(), rtol=1e-12)
    np.testing.assert_allclose(lengths[0], norms[0], rtol=0.01)


def test_no_scale_gives_equal_weights(rng):
    direction, weights = aggregate(RotoGrad(scale=False), rng.normal(size=(3, 9)))
    np.testing.assert_array_equal(weights, 1.0)


def test_absent_tasks_and_zero_gradients(rng):
    gram_cases.check_absent(RotoGrad, rng)
    balancer = RotoGrad()
    run = gram_cases.runner(balancer)
    jacobian = rng.normal(size=(3, 4))
    jacobian[1] = 0
    weights = run(jacobian)
    assert weights[1] == 0 and np.all(np.isfinite(weights)) and balancer.first_norms.numpy()[1] == 0
    run(rng.normal(size=(3, 4)))
    assert np.all(balancer.first_norms.numpy() > 0)
    assert np.all(np.isfinite(run(np.zeros((3, 4)))))
    assert run(np.ones((3, 4)))[0] > 0
    assert gram_cases.runner(RotoGrad())(rng.normal(size=(1, 4))) == pytest.approx([1.0])


@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"size": 3}, {"every": 2}])
def test_a_step_scales_the_shared_gradient_and_turns_the_rotations_uphill(arguments):
    model, (x, y) = build(RotoGrad(0.01, **arguments)), data()
    first = None
    for step in range(4):
        at_z, rows = at_representation(model, x, y)
        norms = np.linalg.norm(at_z, axis=(1, 2))
        first = norms if first is None else first
        fresh = step % arguments.get("every", 1) == 0
        if fresh:
            shares = norms / first / np.sum(norms / first)
            weights = np.ones(3) if "scale" in arguments else np.sum(shares * norms) / norms
        before, turned = helpers.named_weights(model), rotations(model)
        logs = model.train_on_batch(x, y, return_dict=True)
        model.reset_metrics()
        np.testing.assert_allclose([logs[f"{t.name}_weight"] for t in TASKS], weights, rtol=1e-4)
        for path, value in helpers.named_weights(model).items():
            if not path.endswith("rotation/matrix"):
                factors = [task.alpha * (w if path.startswith("dense") else 1.0) for task, w in zip(TASKS, weights, strict=True)]
                wanted = sum(factor * row[path] for factor, row in zip(factors, rows, strict=True))
                np.testing.assert_allclose((before[path] - value) / 0.5, wanted, atol=2e-5, err_msg=path)
        wanted = slopes(at_z, arguments.get("size"))
        if step == 0:  # Adam's first step is as long as the rate, whatever the slope.
            generator = 0.01 * wanted / (np.abs(wanted) + 1e-6)
            unit = np.eye(wanted.shape[-1])
            np.testing.assert_allclose(rotations(model), np.linalg.solve(unit - generator / 2, unit + generator / 2), atol=1e-5)
        if not fresh:
            np.testing.assert_array_equal(rotations(model), turned)


def test_the_first_slope_is_that_of_the_objective():
    model, (x, y) = build(RotoGrad(0.0)), data()
    model.train_on_batch(x, y)
    at_z, _ = at_representation(model, x, y)
    unit = at_z / np.linalg.norm(at_z, axis=(1, 2), keepdims=True)
    generator = np.random.default_rng(0).normal(size=(5, 5))
    generator -= generator.T

    def objective(step):
        """Σ_n⟨Rᵀg̃, v⟩ for R = (I + step·Ω), where g̃ = g, since R was the identity."""
        return np.sum((unit[0] @ (np.eye(5) + step * generator)) * unit.mean(axis=0))

    rate = (objective(1e-4) - objective(-1e-4)) / 2e-4
    np.testing.assert_allclose(np.sum(slopes(at_z)[0] * generator) / 2, rate, rtol=1e-6)


def mean_cosine(model, x, y):
    at_z, _ = at_representation(model, x, y)
    unit = at_z.reshape(len(at_z), -1) / np.linalg.norm(at_z, axis=(1, 2))[:, None]
    return np.mean((unit @ unit.T)[np.triu_indices(len(unit), 1)])


def test_gradients_that_are_turned_copies_of_each_other_get_aligned(rng):
    tasks = [Task.regression("b"), Task.regression("c")]
    model = build(RotoGrad(0.02), tasks, rate=0.0, tower=())
    kernel = rng.normal(size=(5, 1))
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    turn[0] *= np.sign(np.linalg.det(turn))
    model.get_layer("b").kernel.assign(kernel)
    model.get_layer("c").kernel.assign(turn @ kernel)
    x = rng.normal(size=(16, 6)).astype("float32")
    y = {name: np.full(16, 50.0, "float32") for name in "bc"}
    before = mean_cosine(model, x, y)
    for _ in range(150):
        model.train_on_batch(x, y)
    assert before < 0.9 and mean_cosine(model, x, y) > 0.99
    turned = rotations(model)
    np.testing.assert_allclose(turned.transpose(0, 2, 1) @ turned, np.broadcast_to(np.eye(5), (2, 5, 5)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(turned), 1, atol=1e-6)


@pytest.mark.parametrize("size", [None, 3])
def test_rotations_stay_orthogonal_over_many_large_steps(size):
    model, (x, y) = build(RotoGrad(0.3, size=size), rate=0.01), data(rows=2400)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    turned = rotations(model)
    assert np.max(np.abs(turned[0] - np.eye(len(turned[0])))) > 0.1
    np.testing.assert_allclose(turned.transpose(0, 2, 1) @ turned, np.broadcast_to(np.eye(size or 5), turned.shape), atol=1e-6)


def test_rate_zero_only_scales():
    model, (x, y) = build(RotoGrad(0.0)), data()
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    np.testing.assert_array_equal(rotations(model), np.broadcast_to(np.eye(5), (3, 5, 5)))


def test_one_task_alone_is_not_turned():
    model = build(RotoGrad(0.1), TASKS[:1])
    model.fit(*data(TASKS[:1]), batch_size=8, epochs=3, verbose=0)
    np.testing.assert_array_equal(rotations(model)[0], np.eye(5))


def test_a_task_without_labels_keeps_its_rotation_and_leaves_the_others():
    x, y = data()
    three, two = build(RotoGrad(0.05)), build(RotoGrad(0.05), TASKS[:2])
    weights = helpers.ones_for(TASKS, ROWS)
    weights["c"] *= 0
    for _ in range(3):
        three.train_on_batch(x, y, sample_weight=weights)
        two.train_on_batch(x, {name: y[name] for name in "ab"})
    np.testing.assert_array_equal(rotations(three)[2], np.eye(5))
    assert np.any(rotations(two)[0] != np.eye(5))
    for path, value in helpers.named_weights(two).items():
        np.testing.assert_allclose(helpers.named_weights(three)[path], value, atol=1e-5, err_msg=path)


def test_frozen_rotations_stay():
    model, (x, y) = build(RotoGrad(0.05, freeze_after=3)), data()
    for step in range(6):
        model.train_on_batch(x, y)
        if step == 2:
            kept = rotations(model)
    np.testing.assert_array_equal(rotations(model), kept)


def test_replicas_turn_as_one_device_does():
    x, y = data()
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(ROWS)
    alone = build(RotoGrad(0.02))
    with helpers.two_replicas().scope():
        mirrored = build(RotoGrad(0.02))
    for model in (alone, mirrored):
        model.fit(dataset, epochs=3, verbose=0)
    np.testing.assert_allclose(mirrored.balancer.first_norms.numpy(), alone.balancer.first_norms.numpy(), rtol=1e-4)
    assert np.any(np.abs(rotations(alone) - np.eye(5)) > 0.01)
    assert helpers.same_weights(alone, mirrored, atol=1e-3)


def test_scaled_losses_of_mixed_precision_do_not_reach_norms_and_rotations():
    x, y = data()
    plain = build(RotoGrad(0.01))
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = build(RotoGrad(0.01))
    finally:
        keras.config.set_dtype_policy("float32")
    for model in (plain, mixed):
        model.train_on_batch(x, y)
    np.testing.assert_allclose(mixed.balancer.first_norms.numpy(), plain.balancer.first_norms.numpy(), rtol=0.05)
    np.testing.assert_allclose(rotations(mixed), rotations(plain), atol=2e-3)
    mixed.optimizer.dynamic_scale.assign(2.0**40)
    kept = rotations(mixed)
    mixed.train_on_batch(x, y)
    np.testing.assert_array_equal(rotations(mixed), kept)


@pytest.mark.parametrize("inside", [False, True])
def test_saved_and_continued_as_without_the_break(inside, tmp_path):
    rotograd = RotoGrad(0.01, every=2)
    model, (x, y) = build(CRMOGM(rotograd) if inside else rotograd), data()
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(rotations(loaded), rotations(model))
    ours, theirs = (m.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history for m in (model, loaded))
    assert ours == theirs and np.any(rotations(model)[0] != np.eye(5))
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)
    again = mtlzoo.architectures.rebuild(loaded, trunk=trunks.mlp((8, 7)))
    assert again.balancer.rotates and rotations(again).shape == (3, 7, 7)


def test_rotations_are_exported(tmp_path):
    model, (x, y) = build(RotoGrad(0.05)), data()
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    wanted = model.predict(x, verbose=0)
    served = tf.saved_model.load(str(mtlzoo.export.export_saved_model(model, tmp_path / "1")))
    for name, value in served.signatures["serving_default"](tf.constant(x)).items():
        np.testing.assert_allclose(value, wanted[name], atol=1e-5)
    for task in TASKS:
        model.get_layer(f"{task.name}_rotation").matrix.assign(np.eye(5))
    assert not np.allclose(model.predict(x, verbose=0)["a"], wanted["a"], atol=1e-3)


def test_models_without_rotations_or_a_shared_representation_are_refused():
    plain = mtlzoo.architectures.hard_sharing((6,), list(TASKS), trunk="mlp")
    for balancer in ("rotograd", CRMOGM("rotograd")):
        with pytest.raises(ValueError, match="Hand the balancer to the builder, as in hard_sharing"):
            plain.compile("sgd", balancer=balancer)
    with pytest.raises(ValueError, match="do not read one. Use an architecture that shares its trunk"):
        mtlzoo.architectures.single_task((6,), list(TASKS), trunk="mlp", balancer="rotograd")
    balancer = RotoGrad()
    kept = build(balancer)  # A model that is gone frees its balancer.
    with pytest.raises(ValueError, match="must not serve two models"):
        build(balancer, trunk=trunks.mlp((8, 4)))
    assert kept.balancer is balancer


def test_the_balancer_of_a_model_with_rotations_can_be_another_and_come_back():
    model, (x, y) = build(RotoGrad(0.05)), data()
    model.train_on_batch(x, y)
    kept = rotations(model)
    model.compile("sgd", balancer="pcgrad")
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(rotations(model), kept)
    model.compile("sgd", balancer=RotoGrad(0.05))
    model.train_on_batch(x, y)
    assert np.any(rotations(model) != kept)


def test_the_configuration_and_bad_arguments():
    gram_cases.check_round_trip(RotoGrad(0.5, False, None, every=2, freeze_after=9))
    for arguments in ({"learning_rate": -1}, {"size": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            RotoGrad(**arguments)
    with pytest.raises(TypeError, match="`scale`"):
        RotoGrad(scale="yes")
