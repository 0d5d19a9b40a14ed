"""IMTL-L against the paper written out in NumPy, and its known optimum 1/L."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.balancing import IMTLL, UncertaintyWeighting
from tests.balancing import steps


def test_agrees_with_the_paper_written_out(rng):
    losses = rng.exponential(size=(40, 3)) * [1e-3, 1.0, 1e3]
    got = steps.run(steps.prepared(IMTLL(initial=0.5), 3), losses)
    scales = steps.adam(lambda step, s: np.exp(s) * losses[step] - 1, np.full(3, 0.5), 40, 0.025, 1e-7)
    np.testing.assert_allclose(got, np.exp(scales[:-1]), rtol=1e-4)


def test_weights_settle_at_the_inverse_losses():
    balancer, losses = steps.prepared(IMTLL(learning_rate=0.1), 3), [4.0, 0.3, 1e-3]
    weights = steps.run_fast(balancer, np.tile(losses, (1500, 1)))[-1]
    np.testing.assert_allclose(weights, 1 / np.array(losses), rtol=1e-2)


def test_it_is_uncertainty_weighting_with_the_sign_of_s_turned_times_two(rng):
    losses = rng.exponential(size=(20, 3))
    one, other = steps.prepared(IMTLL(), 3), steps.prepared(UncertaintyWeighting(form="regression"), 3)
    np.testing.assert_allclose(steps.run(one, losses), 2 * steps.run(other, losses), rtol=1e-4)


@pytest.mark.parametrize("loss", [0.0, 1e12])
def test_weights_stay_finite_however_long(loss):
    balancer = steps.prepared(IMTLL(learning_rate=5.0), 1)
    for _ in range(40):
        assert np.all(np.isfinite(steps.step(balancer, [loss])))
    assert np.isfinite(tf.cast(steps.weights_of(balancer, [loss]), "float32").numpy()).all()


@pytest.mark.parametrize(("arguments", "message"), [({"learning_rate": 0}, "above 0"), ({"initial": 100}, "at most 80")])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        IMTLL(**arguments)


def test_common(rng):
    steps.check(IMTLL, rng)
    steps.check_absent(IMTLL, rng)
