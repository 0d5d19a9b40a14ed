"""The toy problem: values and gradients written out, and where known balancers end."""

import numpy as np
import pytest
import tensorflow as tf

from mtlzoo.evaluation import plot_toy, toy_losses, toy_path


def written_out(x, y):
    c1, c2 = max(np.tanh(0.5 * y), 0), max(np.tanh(-0.5 * y), 0)
    f1 = np.log(max(abs(0.5 * (-x - 7) - np.tanh(-y)), 5e-6)) + 6
    f2 = np.log(max(abs(0.5 * (-x + 3) + np.tanh(-y) + 2), 5e-6)) + 6
    g1 = ((-x + 7) ** 2 + 0.1 * (-y - 8) ** 2) / 10 - 20
    g2 = ((-x - 7) ** 2 + 0.1 * (-y - 8) ** 2) / 10 - 20
    return [c1 * f1 + c2 * g1, c1 * f2 + c2 * g2]


@pytest.mark.parametrize("point", [(-8.5, 7.5), (0.0, 0.0), (3.0, -8.0), (10.0, -2.0), (-7.0, 4.0)])
def test_losses_are_the_paper_s(point):
    np.testing.assert_allclose(toy_losses(point).numpy(), written_out(*point), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(toy_losses(point, scale=0.1).numpy(), np.multiply(written_out(*point), [0.1, 1]), rtol=1e-9, atol=1e-12)


def test_the_gradient_passes_where_the_two_halves_meet():
    point = tf.Variable([0.0, 0.0], dtype="float64")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(toy_losses(point))
    assert abs(tape.gradient(loss, point).numpy()[1]) > 1


def test_paths_start_and_end_where_they_must():
    path = toy_path("equal", (0.0, 0.0), steps=3_000, learning_rate=0.03, points=10)
    np.testing.assert_array_equal(path[0], [0, 0])
    np.testing.assert_allclose(path[-1], [0.0, -8.4], atol=0.2)
    stuck = toy_path("equal", (9.0, 9.0), steps=3_000, points=10)[-1]
    assert stuck[1] > -4, "equal weights stay in the valley of one task for long"


def test_plot_has_a_panel_a_balancer(tmp_path):
    figure = plot_toy({"sum": lambda: "equal", "UW": lambda: "uncertainty_weighting"}, tmp_path / "toy.png", steps=200, starts=[(0, 0)])
    assert [axis.get_title() for axis in figure.axes] == ["sum", "UW"]
    assert (tmp_path / "toy.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="exists"):
        plot_toy(["equal"], tmp_path / "toy.png", steps=200)
    with pytest.raises(ValueError, match="Did you mean 'equal'"):
        plot_toy(["eqal"])
