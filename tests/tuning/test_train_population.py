"""Population-based training: its schedule leads to its weights, it resumes exactly, and the worse ones follow the better."""

import math

import keras
import numpy as np
import pytest

import mtlzoo
from mtlzoo.tuning import AlphaSpace, _population, _states, train_population
from tests.helpers import count_calls
from tests.tuning import small

OPTIONS = {"objective": {"a": 1.0, "b": 0.5}, "population": 4, "epochs": 5, "interval": 2, "seed": 3}
EVEN = {"a": 1.0, "b": 1.0}


@pytest.fixture(scope="module")
def whole():
    """A population, trained in one go."""
    return train_population(small.model(eager=False), small.data(), small.data(), **OPTIONS)


def test_its_schedule_leads_a_plain_training_to_the_same_weights(whole):
    data, plain, found = small.data(), small.model(eager=False), whole
    order = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: mtlzoo.data.start_at(data, epoch))
    callbacks = [mtlzoo.AlphaSchedule(found.schedule), order]
    plain.fit(data, epochs=found.epoch, verbose=0, callbacks=callbacks)
    for ours, theirs in zip(_states.capture(found.model), _states.capture(plain), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    results = plain.evaluate(data, return_dict=True, verbose=0)
    assert found.score == pytest.approx(-results["a_mae"] - 0.5 * results["b_mae"])


def test_history_has_all_members_and_the_best_end_of_a_turn_wins(whole):
    found, rows = whole, whole.history
    assert len(rows) == 4 * 5
    ends = rows[rows["epoch"].isin([1, 3, 4])]
    assert found.score == ends["score"].max()
    assert (rows["a_alpha"] == 1.0).all() and rows["b_alpha"].nunique() > 4
    # Two turns after the first, in each of which one member copied one of the best quarter, which is one.
    copies = rows[rows["parent"].notna()]
    assert copies["epoch"].tolist() == [2, 4]
    for _, copy in copies.iterrows():
        before = rows[rows["epoch"] == copy["epoch"] - 1].set_index("member")["score"]
        assert (before.idxmin(), before.idxmax()) == (copy["member"], copy["parent"])


def test_one_that_was_killed_ends_as_if_it_had_not_been(whole, tmp_path, monkeypatch):
    fit, calls = _states.fit, []

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == 7:  # In the middle of the second turn.
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    monkeypatch.setattr(_states, "fit", killed)
    model = small.model(eager=False)
    start = model.get_weights()
    with pytest.raises(KeyboardInterrupt):
        train_population(model, small.data(), small.data(), **OPTIONS, folder=tmp_path / "p")
    assert all(np.array_equal(now, then) for now, then in zip(model.get_weights(), start, strict=True)) and dict(model.alphas) == EVEN
    again = train_population(model, small.data(), small.data(), **OPTIONS, folder=tmp_path / "p")
    assert len(calls) == 7 + 8 and again.history.equals(whole.history) and again.schedule == whole.schedule
    for ours, theirs in zip(_states.capture(again.model), _states.capture(whole.model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["settings.json", "turn_0002"]
    with pytest.raises(ValueError, match="other seed, and stays as it is"):
        train_population(small.model(eager=False), small.data(), small.data(), **OPTIONS | {"seed": 4}, folder=tmp_path / "p")


@pytest.mark.slow
def test_all_members_are_one_model_that_is_traced_once():
    model = small.model(eager=False)
    traced = count_calls(model)
    train_population(model, small.data(), small.data(), **OPTIONS)
    assert len(traced) == 1


def members(scores):
    return [_population.Member({"a": 1.0, "b": 2.0 + k}, [np.array(k)], score, lineage=[{"a": 1.0}]) for k, score in enumerate(scores)]


def test_the_worst_quarter_copies_the_best_quarter_and_nan_is_worst():
    space, rng = AlphaSpace(), np.random.default_rng(0)
    scores = [5.0, math.nan, 3.0, 8.0, 1.0, 7.0, 6.0, 2.0]
    evolved = members(scores)
    _population.evolve(evolved, space, "a", 1.25, 0.0, rng)
    parents = {index: member.parent for index, member in enumerate(evolved) if member.parent is not None}
    assert parents.keys() == {1, 4} and set(parents.values()) <= {3, 5}
    for index, parent in parents.items():
        ratio = evolved[index].factors["b"] / (2.0 + parent)
        assert min(abs(ratio - 1.25), abs(ratio - 0.8)) < 1e-12 and evolved[index].factors["a"] == 1.0
        assert evolved[index].state is evolved[parent].state and evolved[index].score == scores[parent]
    assert [member.factors["b"] for index, member in enumerate(evolved) if index not in parents] == [2.0, 4.0, 5.0, 7.0, 8.0, 9.0]


def test_moves_stay_in_the_space():
    rng, names = np.random.default_rng(0), ("a", "b", "c")
    space, steps = AlphaSpace(low=0.5, high=2.0), AlphaSpace(low=0.1, high=10.0, steps=3)
    for _ in range(50):
        for chosen in (space, steps):
            drawn = _population.drawn(chosen, "b", names, rng)
            moved = _population.perturbed(drawn, chosen, "b", 1.5, rng)
            assert drawn["b"] == moved["b"] == 1.0
            assert all(chosen.low <= found[name] <= chosen.high for found in (drawn, moved) for name in names)
        assert set(moved.values()) <= {0.1, 1.0, 10.0}


def test_bad_input_is_refused_before_anything_is_trained():
    model, data = small.model(eager=False), small.data()
    before = model.get_weights()
    for changes, said in (
        ({"alphas": "fixed"}, "`alphas` must be"),
        ({"objective": "loss"}, "the smallest alphas would win"),
        ({"objective": "delta_m"}, "needs results of single-task models"),
        ({"population": 1}, "`population`"),
        ({"perturb": 1.0}, "`perturb`"),
        ({"resample": 1.5}, "`resample`"),
        ({"alphas": AlphaSpace(pivot="c")}, "`pivot`"),
    ):
        with pytest.raises(ValueError, match=said):
            train_population(model, data, data, **OPTIONS | changes)
    with pytest.raises(TypeError, match="`model`"):
        train_population(keras.Sequential(), data, data, objective="a")
    assert all(np.array_equal(now, then) for now, then in zip(model.get_weights(), before, strict=True)) and dict(model.alphas) == EVEN
    with pytest.raises(TypeError, match="`validation` must be a tf.data.Dataset"):
        train_population(model, data, None, **OPTIONS)
