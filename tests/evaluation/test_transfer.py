"""`transfer`: verdicts, intervals that agree with SciPy's tests, and noise that no one is blamed for."""

import json
import math

import keras
import numpy as np
import pytest
from scipy import stats

from mtlzoo import Task, architectures
from mtlzoo.evaluation import Transfer, chance_results, transfer

TASKS = [Task.multiclass("digit", 10), Task.regression("price"), Task.regression("noise")]
MULTI = {"digit": [0.95, 0.96, 0.94, 0.95], "price": [2.2, 2.3, 2.25, 2.15], "noise": [3.3, 3.1, 3.2, 3.4]}
SINGLE = {"digit": [0.90, 0.92, 0.89, 0.91], "price": [2.0, 2.05, 2.1, 1.95], "noise": [3.0, 2.99, 3.05, 3.0]}
CHANCE = {"digit_accuracy": 0.1, "price_mae": 5.0, "noise_mae": 3.0, "loss": 9.0}


def one(multi, single, better="max", **arguments):
    """Change, half interval and verdict of a single task."""
    task = Task.regression("t", monitor=("mae", better))
    found = transfer({"t": multi}, {"t": single}, [task], **arguments)
    return found.changes["t"], found.halves["t"], found.verdicts["t"]


def test_changes_are_of_the_single_task_mean_and_noise_is_unlearnable_for_nobody_to_blame():
    found = transfer(MULTI, SINGLE, TASKS, chance=CHANCE)
    assert isinstance(found, Transfer)
    assert found.changes == pytest.approx({"digit": 100 * 0.045 / 0.905, "price": -100 * 0.2 / 2.025, "noise": -100 * 0.24 / 3.01})
    assert found.verdicts == {"digit": "positive", "price": "negative", "noise": "unlearnable"}
    assert "hurt price (-9.88" in found.summary and "noise came out no better than a constant" in found.summary
    assert found.having("negative") == ("price",)
    assert transfer(MULTI, SINGLE, TASKS).verdicts["noise"] == "negative"  # Without chance it cannot be told from harm.


def test_paired_and_welch_intervals_decide_as_the_tests_of_scipy_do(rng):
    for _ in range(60):
        multi, single = rng.normal(10.3, 0.4, size=4), rng.normal(10, 0.4, size=rng.integers(3, 6))
        change, half, verdict = one(multi, single)
        test = stats.ttest_rel(multi, single) if len(single) == 4 else stats.ttest_ind(multi, single, equal_var=False)
        low, high = test.confidence_interval(0.95)
        assert (change - half, change + half) == pytest.approx((100 * low / single.mean(), 100 * high / single.mean()))
        assert (verdict != "undecided") == (test.pvalue < 0.05)
        assert one(multi, single, "min")[0] == pytest.approx(-change)


def test_seeds_pair_runs_by_name_and_other_seeds_do_not():
    multi, single = {1: 5.10, 2: 7.12, 3: 9.11}, {3: 9.0, 2: 7.0, 1: 5.0}
    change, half, verdict = one(multi, single)
    assert verdict == "positive" and half < change == pytest.approx(100 * 0.11 / 7)
    assert one(list(multi.values()), [5.0, 7.0, 9.0])[1] == pytest.approx(half)
    assert one(multi, {4: 9.0, 2: 7.0, 1: 5.0})[2] == "undecided"  # Welch: the seeds differ by more than the models.


def test_results_of_evaluate_give_the_same_as_values():
    runs = [
        [{task.monitor_key: values[task.name][seed] for task in TASKS} | {"loss": 1.0} for seed in range(4)] for values in (MULTI, SINGLE)
    ]
    assert transfer(*runs, TASKS, chance=CHANCE) == transfer(MULTI, SINGLE, TASKS, chance=CHANCE)


def test_one_seed_and_runs_that_failed_decide_nothing():
    for multi, single in (([9.0], [1.0]), ([9.0], [1.0, 1.1, 1.2]), ([9.0, math.nan], [1.0, 1.1]), ([1.0, 1.1], [0.0, 0.0])):
        assert one(multi, single, chance={"t_mae": 0.5})[2] == "undecided"
    assert one([1.0, 1.0], [1.0, 1.0])[2] == "undecided"
    assert one([1.0 + 1e-8] * 3, [1.0] * 3)[2] == "undecided"  # Rounding of float32 is no transfer.


def test_a_task_is_learnable_if_one_kind_of_model_learns_it():
    good, bad = [0.9, 0.91, 0.92], [0.5, 0.49, 0.51]
    chance = {"t_mae": 0.5}
    assert one(bad, good, chance=chance)[2] == "negative"
    assert one(good, bad, chance=chance)[2] == "positive"
    assert one(bad, bad, chance=chance)[2] == "unlearnable"
    assert one(bad, good, chance=chance, margin=90)[2] == "unlearnable"
    assert one([0.5 + 1e-8] * 3, [0.5] * 3, chance=chance)[2] == "unlearnable"  # A constant is no better than itself.


def test_two_seeds_are_enough_to_see_that_a_task_is_learnt():
    assert one([0.80, 0.85], [0.82, 0.86], chance={"t_mae": 0.6})[2] == "undecided"
    assert one([0.30, 0.90, 0.50], [0.82, 0.84, 0.83], chance={"t_mae": 0.6})[2] == "undecided"
    assert one([0.58, 0.63], [0.59, 0.61], chance={"t_mae": 0.6})[2] == "unlearnable"


def test_labels_of_pure_noise_are_unlearnable_and_never_negative(rng):
    """Guesses that know nothing of the labels, on a test set of their own a seed."""
    verdicts = []
    for _ in range(200):
        labels = rng.integers(0, 2, (2, 8, 400))
        right = (labels == rng.integers(0, 2, (2, 8, 400))).mean(axis=-1)
        verdicts.append(one(right[0], right[1], chance={"t_mae": 0.5})[2])
    assert verdicts.count("unlearnable") >= 0.9 * 200 and verdicts.count("negative") <= 0.02 * 200


def test_text_and_markdown_hold_every_task_and_the_dict_is_strict_json():
    found = transfer(MULTI | {"price": [2.2, math.nan]}, SINGLE, TASKS, chance=CHANCE)
    for form in (found.to_text(), found.to_markdown()):
        for words in ("digit", "accuracy ↑", "0.9500 ± 0.0130", "0.9050 ± 0.0205", "+4.97 ±", "4 / 2", "unlearnable", "3.000"):
            assert words in form
        assert "nan" not in form and found.summary in form
    assert "Chance" not in transfer(MULTI, SINGLE, TASKS).to_text()
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["tasks"]["price"]["change_percent"] is None and plain["tasks"]["noise"]["verdict"] == "unlearnable"


def test_the_summary_is_one_sentence_that_claims_no_more_than_it_can():
    few = transfer({"price": [2.0]}, {"price": [1.0]}, TASKS[1:2]).summary
    assert few == (
        "Against single-task models, multi-task learning is not shown to have helped any task, is not shown to have hurt any and "
        "cannot be said to have helped or hurt price."
    )
    found = transfer(MULTI, SINGLE, TASKS).summary
    assert found.startswith("Against single-task models, multi-task learning helped digit (+4.97 ± ") and found.count(". ") == 0
    assert "hurt price" in found and found.endswith(", negative transfer).")


@pytest.mark.slow
def test_models_trained_on_noise_too_leave_it_unlearnable(rng):
    x = rng.normal(size=(1500, 6)).astype("float32")
    noise = rng.normal(size=1500).astype("float32")
    labels = {"sign": (x[:, 0] > x[:, 1]).astype("float32"), "noise": noise, "guess": rng.integers(0, 3, 1500).astype("int32")}
    train, test = ((x[part], {name: of[part] for name, of in labels.items()}) for part in (slice(0, 500), slice(500, None)))
    tasks = [Task.binary("sign"), Task.regression("noise"), Task.multiclass("guess", 3, monitor=("loss", "min"))]
    runs = {}
    for builder in (architectures.hard_sharing, architectures.single_task):
        models = [builder((6,), tasks, trunk="mlp", optimizer=keras.optimizers.Adam(0.01), seed=seed) for seed in range(3)]
        for model in models:
            model.fit(*train, epochs=12, batch_size=50, verbose=0)
        runs[builder] = [model.evaluate(*test, batch_size=500, return_dict=True, verbose=0) for model in models]
    found = transfer(*runs.values(), tasks, chance=chance_results(tasks, train, test))
    assert found.verdicts["noise"] == found.verdicts["guess"] == "unlearnable" and found.verdicts["sign"] != "unlearnable"
    assert "noise and guess came out no better than a constant" in found.summary


@pytest.mark.parametrize(
    ("multi", "change", "error", "words"),
    [
        ({"digt": [1.0], "price": [1.0], "noise": [1.0]}, {}, ValueError, "Did you mean 'digit'"),
        ([{"digit_accuracy": 1.0}], {}, ValueError, "must hold 'price_mae'"),
        ([], {}, ValueError, "from one seed at least"),
        ([[1.0]], {}, TypeError, r"`multi\[0\]` must be a dict"),
        (MULTI | {"price": 2.0}, {}, TypeError, "values, one a seed"),
        (np.zeros(3), {}, TypeError, "a list of results"),
        (MULTI, {"chance": {"loss": 1.0}}, ValueError, "`chance` must hold 'digit_accuracy'"),
        (MULTI, {"chance": 0.1}, TypeError, "chance_results"),
        (MULTI, {"confidence": 95}, ValueError, "at most 1"),
        (MULTI, {"margin": -1}, ValueError, "at least 0"),
    ],
)
def test_bad_arguments_are_named(multi, change, error, words):
    with pytest.raises(error, match=words):
        transfer(multi, SINGLE, TASKS, **change)
