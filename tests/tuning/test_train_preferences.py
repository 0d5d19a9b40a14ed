"""Preferences: on a front that is known every model lies where its preference says."""

import numpy as np
import pytest

from mtlzoo.balancing import STCH
from mtlzoo.tuning import _states, train_preferences
from tests.tuning import small


def theta(model):
    return float(model.layers[1].get_weights()[0][0, 0])


def test_on_a_convex_toy_every_preference_lies_on_the_front_at_its_place():
    model, data = small.one_parameter(), small.targets()
    found = train_preferences(model, data, data, preferences=5, epochs=1)
    np.testing.assert_allclose(np.sqrt(found.points).sum(axis=1), 2.0, atol=1e-4)
    np.testing.assert_allclose(found.points, 4 * (1 - found.preferences) ** 2, atol=1e-4)
    np.testing.assert_allclose([theta(one) for one in found.models], 2 * found.preferences[:, 1], atol=1e-4)
    assert found.front.all() and theta(model) == 1.0
    # The union of the boxes between these points and (4, 4), by hand.
    order = np.argsort(found.points[:, 0])
    heights = np.append(4.0, found.points[order, 1])
    assert found.hypervolume([4, 4]) == pytest.approx(np.sum((4 - found.points[order, 0]) * -np.diff(heights)), rel=1e-6)


@pytest.mark.slow
def test_tchebycheff_preferences_are_minima_of_its_own_objective():
    data, given = small.targets(), np.array([[1.0, 3.0], [2.0, 2.0]])
    found = train_preferences(small.one_parameter(), data, data, preferences=given, epochs=5, balancer=STCH(mu=0.5, preferences=[9, 9]))
    grid = np.linspace(0, 2, 20001)
    for row, model in zip([[0.25, 0.75], [0.5, 0.5]], found.models, strict=True):
        value = np.logaddexp(row[0] * grid**2 / 0.5, row[1] * (grid - 2) ** 2 / 0.5)
        assert theta(model) == pytest.approx(grid[np.argmin(value)], abs=1e-3)
        assert model.balancer.preferences == row


def test_equal_preferences_are_the_model_as_it_is_and_all_see_the_same_batches():
    data = small.data()
    plain = small.model()
    plain.alphas = {"a": 0.5, "b": 2.0}
    found = train_preferences(plain, data, data, preferences=[[1, 1], [1, 3]], epochs=2)
    assert dict(found.models[1].alphas) == {"a": 0.25, "b": 3.0}
    _states.fit(plain, data, None, first=0, last=2)
    for ours, theirs in zip(found.models[0].get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.results[0] == pytest.approx(plain.evaluate(data, return_dict=True, verbose=0))


@pytest.mark.slow
def test_one_that_was_killed_goes_on_with_the_next_preference(tmp_path, monkeypatch):
    data, calls, fit = small.data(), [], _states.fit

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    whole = train_preferences(small.model(), data, data, preferences=3, epochs=1)
    monkeypatch.setattr(_states, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        train_preferences(small.model(), data, data, preferences=3, epochs=1, folder=tmp_path / "set")
    again = train_preferences(small.model(), data, data, preferences=3, epochs=1, folder=tmp_path / "set")
    assert len(calls) == 4 and again.results == whole.results
    for ours, theirs in zip(again.models, whole.models, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))
    files = sorted(path.name for path in (tmp_path / "set").iterdir())
    assert files == ["preference_0", "preference_1", "preference_2", "settings.json"]
    with pytest.raises(ValueError, match="other epochs, and stays as it is"):
        train_preferences(small.model(), data, data, preferences=3, epochs=2, folder=tmp_path / "set")
    with pytest.raises(ValueError, match="other model, start weights"):
        train_preferences(small.model(seed=1), data, data, preferences=3, epochs=1, folder=tmp_path / "set")


def test_bad_input_is_refused_before_anything_is_trained(tmp_path):
    model, data = small.model(), small.data()
    with pytest.raises(ValueError, match=r"must take preferences \(cosmos, pbi, stch\); received 'famo'"):
        train_preferences(model, data, data, balancer="famo")
    for wrong, said in (([[1, 1, 1]], r"\[n, 2\]"), ([[0, 0]], "not all 0"), ([[-1, 2]], "at least 0")):
        with pytest.raises(ValueError, match=said):
            train_preferences(model, data, data, preferences=wrong)
    with pytest.raises(TypeError, match="`preferences`"):
        train_preferences(model, data, data, preferences="five")
    with pytest.raises(ValueError, match="above 0 for the balancer 'stch'"):
        train_preferences(model, data, data, preferences=[[1, 1], [0, 1]], balancer="stch", folder=tmp_path / "none")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        train_preferences(model, data, data, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt"]
