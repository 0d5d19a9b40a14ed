"""scikit-learn's methods read the same tables, leave out missing labels, and are scored as Keras scores."""

import numpy as np
import pytest
import threadpoolctl

from mtlzoo import Task
from mtlzoo.architectures import hard_sharing
from mtlzoo.data import from_table
from mtlzoo.judging import _others, _score
from mtlzoo.judging._methods import BOOSTING, LINEAR, Method


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other are slow where other tests run beside them."""
    with threadpoolctl.threadpool_limits(1):
        yield


def table(rng, rows=300, missing=0.0):
    x, city = rng.normal(size=rows), rng.choice(["Rome", "Oslo", "Bern"], rows)
    found = {
        "x": x,
        "city": city,
        "price": 100 + 20 * x + 30 * (city == "Rome"),
        "size": 5 - 2 * x,
        "place": (city == "Rome") + 2.0 * (city == "Oslo"),
        "big": (x > 0).astype(float),
    }
    for name in ("price", "size", "place", "big"):
        found[name] = np.where(rng.random(rows) < missing, np.nan, found[name])
    return found


TASKS = [Task.regression("price"), Task.regression("size"), Task.multiclass("place", 3), Task.binary("big")]


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_both_learn_what_is_there_to_learn(missing, rng):
    splits = from_table(table(rng, missing=missing), TASKS, verbose=False)
    linear = _others.train(Method(LINEAR), splits, 0)
    assert linear["test"]["price_mae"] < 1 and linear["test"]["size_mae"] < 0.1
    assert linear["test"]["place_accuracy"] == 1.0 and linear["test"]["big_auc"] > 0.99
    boosting = _others.train(Method(BOOSTING), splits, 0)
    assert boosting["test"]["place_accuracy"] == 1.0 and boosting["test"]["big_auc"] > 0.99 and boosting["test"]["price_mae"] < 8


def test_labels_that_never_meet_or_never_differ(rng):
    made = table(rng, rows=100)
    made["price"][::2], made["size"][1::2] = np.nan, np.nan  # No row has both: each is fitted alone.
    made["big"][:] = np.where(np.arange(100) % 2, 1.0, np.nan)
    splits = from_table(made, TASKS, verbose=False)
    for name in (LINEAR, BOOSTING):
        found = _others.train(Method(name), splits, 0)["test"]
        assert found["big_accuracy"] == 1.0 and np.isfinite(found["price_mae"])


def test_logits_where_the_task_wants_them(rng):
    tasks = [Task.multiclass("place", 3, from_logits=True), Task.binary("big", from_logits=True)]
    made = table(rng)
    made.pop("price"), made.pop("size")
    found = _others.train(Method(LINEAR), from_table(made, tasks, verbose=False), 0)["test"]
    assert found["place_accuracy"] == 1.0 and found["big_accuracy"] > 0.95 and found["place_loss"] < 0.2


def test_rare_categories_join_the_unknown_ones():
    x = {"categories": np.array([[3, 300], [1, 254]]), "numbers": np.array([[0.5], [1.5]])}
    np.testing.assert_array_equal(_others._columns(x), [[3, 0, 0.5], [1, 254, 1.5]])
    np.testing.assert_array_equal(_others._one_hot(x, x), [[0.5, 0, 1, 0], [1.5, 1, 0, 1]])


def test_scores_are_those_of_evaluate(rng):
    splits = from_table(table(rng, missing=0.3), TASKS, verbose=False, batch_size=500)
    model = hard_sharing({"categories": (1, "int32"), "numbers": (1,)}, TASKS, trunk=_trunk(splits), seed=0)
    x, labels, weights = _score.arrays(splits.test)
    found = _score.score(TASKS, model.predict(x, verbose=0), labels, weights)
    wanted = model.evaluate(splits.test, verbose=0, return_dict=True)
    assert set(found) == set(wanted) - {"loss"}
    for key, value in found.items():
        np.testing.assert_allclose(value, wanted[key], rtol=1e-5, err_msg=key)


def _trunk(splits):
    from mtlzoo import trunks

    return trunks.tabular(splits.encoder.sizes)
