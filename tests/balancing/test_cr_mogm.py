"""CR-MOGM: the moving average of any balancer's weights, and that the inner balancer works as it does alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo
from mtlzoo import Task, balancing, trunks
from mtlzoo.balancing import CRMOGM, DBMTL, IMTLG, ExcessMTL, GradDrop, GradVac, MoCo, PCGrad, TrimmedMean, UncertaintyWeighting, aggregate
from tests import helpers
from tests.balancing import blocks, gram_cases

WEIGHING = [name for name in balancing.names() if name != "cr_mogm" and balancing.get(name).weighs]
INNER = [name for name in WEIGHING if balancing.get(name).needs != "jacobian"]
OF_GRADIENTS = {"moco": lambda: MoCo(beta=1.0), "excess_mtl": lambda: ExcessMTL(1.0), "db_mtl": DBMTL}


@pytest.mark.parametrize("name", INNER)
def test_weights_are_the_moving_average_of_those_of_the_inner_balancer(name, rng):
    alone, smoothed = gram_cases.runner(balancing.get(name)), gram_cases.runner(CRMOGM(name, alpha=0.7))
    average = None
    for _ in range(4):
        jacobian, losses = rng.normal(size=(3, 6)), rng.exponential(size=3)
        inner = alone(jacobian, losses).astype("float64")
        average = inner if average is None else 0.7 * average + 0.3 * inner
        np.testing.assert_allclose(smoothed(jacobian, losses), average, rtol=1e-6)


@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_factors_of_a_balancer_of_gradients_are_averaged_and_what_they_multiply_is_not(name, rng):
    make, average = OF_GRADIENTS[name], None
    alone, smoothed = make(), CRMOGM(make(), alpha=0.7)
    alone.set_tasks(["regression"] * 3, [6])
    for _ in range(5):
        jacobian, losses = rng.normal(size=(3, 6)), rng.exponential(size=3) + 0.1
        found = alone.direct(tf.constant(losses), tf.ones(3, "bool"), [tf.constant(jacobian)])
        alone.advance(losses, tf.ones(3, "bool"), found.state, found.weights)
        factors, rows = found.factors.numpy(), jacobian if found.rows is None else found.rows[0].numpy()
        average = factors if average is None else 0.7 * average + 0.3 * factors
        direction, weights = aggregate(smoothed, jacobian, losses)
        np.testing.assert_allclose(direction, average @ rows, rtol=1e-6, atol=1e-9)
        scales = 1.0 if found.scales is None else found.scales.numpy()
        np.testing.assert_allclose(weights, average * scales, rtol=1e-6)


def test_a_share_of_0_is_averaged_too(rng):
    jacobian, losses = np.eye(2), np.array([1.0, 10.0])
    assert aggregate(MoCo(beta=1.0, gamma=1.0), jacobian, losses)[1].numpy()[1] == 0
    balancer = CRMOGM(MoCo(beta=1.0, beta_sigma=0.0, gamma=1.0), alpha=0.5)
    aggregate(balancer, jacobian, [0.1, 0.1])
    direction, weights = aggregate(balancer, jacobian, losses)
    share = balancer.smooth.numpy()
    assert share[1] > 0.1
    np.testing.assert_allclose(direction, share * losses, rtol=1e-6)
    np.testing.assert_allclose(weights, share * losses, rtol=1e-6)


def test_absent_tasks_of_a_balancer_of_gradients(rng):
    blocks.check_absent(lambda: CRMOGM(MoCo(), alpha=0.5), rng)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_a_model_trains_and_saves_it_around_balancers_of_gradients(name, every, rng, tmp_path):
    tasks = [Task.multiclass("colour", 3), Task.regression("price", alpha=0.5)]
    inner = OF_GRADIENTS[name]()
    balancer = CRMOGM(type(inner).from_config(inner.get_config() | {"every": every}), alpha=0.8, freeze_after=7)
    model = mtlzoo.architectures.hard_sharing((6,), tasks, trunk=trunks.mlp((8,)), seed=0, balancer=balancer)
    x, y = rng.normal(size=(32, 6)).astype("float32"), helpers.labels_for(tasks, 32, rng)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = (m.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history for m in (model, loaded))
    assert ours == theirs and ours["loss"][-1] < ours["loss"][0]
    assert helpers.same_weights(model, loaded, rtol=0, atol=0)


def test_alpha_0_is_the_inner_balancer_and_the_average_settles(rng):
    jacobian = rng.normal(size=(4, 6))
    np.testing.assert_array_equal(gram_cases.step(CRMOGM(IMTLG(), alpha=0.0), jacobian), gram_cases.step(IMTLG(), jacobian))
    run = gram_cases.runner(CRMOGM("imtl_g", alpha=0.5), traced=True)
    run(rng.normal(size=(4, 6)))
    for _ in range(50):
        weights = run(jacobian)
    np.testing.assert_allclose(weights, gram_cases.step(IMTLG(), jacobian), rtol=1e-9, atol=1e-12)


def test_what_the_inner_balancer_needs_holds_for_the_whole():
    balancer = CRMOGM(PCGrad(at="representation", every=3))
    assert (balancer.needs, balancer.at, balancer.every, balancer.draws) == ("gram", "representation", 3, True)
    balancer = CRMOGM(UncertaintyWeighting())
    assert (balancer.needs, balancer.every, balancer.looks_again) == ("losses", 1, False)
    assert CRMOGM("famo").looks_again


def test_absent_tasks_keep_their_average(rng):
    gram_cases.check_absent(lambda: CRMOGM("imtl_g"), rng)
    balancer = CRMOGM("imtl_g", alpha=0.5)
    run = gram_cases.runner(balancer)
    first, rows = rng.normal(size=(3, 6)), rng.normal(size=(3, 6))
    before = run(first)
    run(rows, present=[True, False, True])
    inner = gram_cases.step(IMTLG(), first)
    np.testing.assert_allclose(run(first)[1], 0.5 * before[1] + 0.5 * inner[1], rtol=1e-12)


def test_the_configuration_makes_the_inner_balancer_again_and_its_state_is_part_of_the_state(rng):
    balancer = CRMOGM(GradVac(beta=0.3, seed=2), alpha=0.4, freeze_after=9)
    gram_cases.check_round_trip(balancer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(balancer))
    assert again.inner.get_config() == balancer.inner.get_config()
    gram_cases.step(balancer, rng.normal(size=(3, 6)))
    assert any(variable is balancer.inner.targets for variable in balancer.variables)
    assert int(balancer.inner.steps.numpy()) == int(balancer.steps.numpy()) == 1


def test_bad_arguments_are_refused():
    wrong = [{"balancer": inner} for inner in ("mgdaa", IMTLG(freeze_after=3), GradDrop(), TrimmedMean(), "graddrop")]
    for arguments in ({"alpha": 1.0}, {"alpha": -0.1}, *wrong):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            CRMOGM(**arguments)
    for wrong in (None, 3):
        with pytest.raises(TypeError, match="`balancer`"):
            CRMOGM(wrong)
