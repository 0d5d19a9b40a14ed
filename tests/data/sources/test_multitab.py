"""MultiTab-Bench against its formula."""

import numpy as np
import pytest

from mtlzoo.data import load, multitab_rows
from mtlzoo.data.sources import multitab

P = np.array([[1.0, 0.5, -0.2], [0.5, 1.0, 0.3], [-0.2, 0.3, 1.0]])


def cosines(weights):
    norms = np.linalg.norm(weights, axis=1)
    return weights @ weights.T / np.outer(norms, norms)


@pytest.mark.parametrize(
    ("correlation", "count"), [(0.4, 7), (0.0, 3), (1.0, 4), (-0.5, 3), (0.9, 256), (P, 3), (np.kron(np.eye(2), np.ones((3, 3))), 6)]
)
def test_cosines_of_the_weights_are_those_wanted(correlation, count):
    _, labels, weights = multitab_rows(2, degrees=[1] * count, correlation=correlation, features=256)
    wanted = np.where(np.eye(count), 1.0, correlation)
    np.testing.assert_allclose(cosines(weights), wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=1), 1, atol=1e-12)
    assert list(labels) == [f"y{place}" for place in range(1, count + 1)]


def test_labels_are_those_of_the_formula():
    x, labels, weights = multitab_rows(50, degrees=[1, 4, 2], correlation=P, features=5, noise=0.0, seed=3)
    u = x.astype("float64") @ weights.T
    wanted = {"y1": u[:, 0], "y2": u[:, 1] + u[:, 1] ** 2 + u[:, 1] ** 3 + u[:, 1] ** 4, "y3": u[:, 2] + u[:, 2] ** 2}
    for name, values in wanted.items():
        np.testing.assert_allclose(labels[name], values, rtol=1e-6, atol=1e-6)


def test_noise_has_the_deviation_of_its_task():
    quiet, loud = (multitab_rows(20_000, degrees=[1, 2, 3], features=4, noise=noise)[1] for noise in (0.0, [0.0, 0.5, 2.0]))
    found = [float(np.std(loud[name] - quiet[name])) for name in quiet]
    np.testing.assert_allclose(found, [0.0, 0.5, 2.0], rtol=0.03)


def test_the_seed_decides_and_the_number_of_rows_does_not_change_the_tasks():
    first, again, other, longer = (multitab_rows(rows, seed=seed) for rows, seed in ((9, 1), (9, 1), (9, 2), (30, 1)))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[2], longer[2])
    assert not np.array_equal(first[0], other[0]) and not np.allclose(first[2], other[2])


def test_the_source_is_the_paper_s_setting():
    splits = load("multitab", limit=40)
    assert splits.inputs == (32,) and len(splits.tasks) == 7
    assert splits.sizes == {"train": 40, "validation": 40, "test": 40}
    assert multitab().sizes == {"train": 14_000, "validation": 3_000, "test": 3_000}
    _, _, weights = multitab_rows(1)
    np.testing.assert_allclose(cosines(weights)[np.triu_indices(7, 1)], 0.4, atol=1e-12)


def test_alphas_bring_the_losses_of_constants_to_one():
    splits = multitab(rows=200_000, degrees=[1, 2, 3, 4], features=4, noise=[0.0, 3.0, 0.0, 0.0])
    for task, variance in zip(splits.tasks, (1, 3 + 9, 24, 144), strict=True):
        assert task.alpha == pytest.approx(1 / variance)
    _, labels, _ = multitab_rows(200_000, degrees=[1, 2, 3, 4], features=4, noise=[0.0, 3.0, 0.0, 0.0])
    for task in splits.tasks:
        assert task.alpha * np.var(labels[task.name], dtype="float64") == pytest.approx(1, rel=0.08)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data_dir": "somewhere"}, ValueError, "`data_dir` must be None"),
        ({"rows": 3}, ValueError, "`rows`"),
        ({"degrees": []}, ValueError, "`degrees`"),
        ({"degrees": 3}, TypeError, "`degrees` must be a sequence"),
        ({"degrees": [1, 0]}, ValueError, "`degrees`"),
        ({"correlation": 1.2}, ValueError, "`correlation`"),
        ({"correlation": -0.2}, ValueError, r"`correlation` must be a finite number at least -0\.166667"),
        ({"correlation": np.eye(3)}, ValueError, r"a matrix \[7, 7\]"),
        ({"correlation": [[1, 0.5], [0.4, 1]], "degrees": [1, 1]}, ValueError, "symmetric"),
        ({"correlation": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], "degrees": [1, 1, 1]}, ValueError, "negative eigenvalue"),
        ({"features": 6}, ValueError, "`features` must be at least 7"),
        ({"noise": -1.0}, ValueError, "`noise`"),
        ({"noise": [0.1, 0.1]}, ValueError, "one for each of the 7 tasks"),
        ({"seed": -1}, ValueError, "`seed`"),
        ({"limit": 0}, ValueError, "`limit`"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        multitab(**arguments)
