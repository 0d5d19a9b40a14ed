"""The kind of task that a column of labels makes."""

import numpy as np
import pandas
import pytest

from mtlzoo import Task
from mtlzoo.data import from_table, infer_tasks

TABLE = {
    "age": [20, 30, 40, 50],
    "married": [0, 1, 1, None],
    "rooms": [2, 0, 1, 1],
    "children": [0, 3, 1, None],
    "income": [1.5, 2.5, None, 4.0],
    "debt": [-1, 0, 1, 2],
    "city:part": [0, 1, 0, 1],
    "home town": ["Rome", "Oslo", "Rome", None],
    "nothing": [None, None, None, None],
    "same": [1, 1, 1, None],
}


@pytest.mark.parametrize(
    ("spec", "kind", "units"),
    [
        ("married", "binary", 1),
        ("rooms", "multiclass", 3),
        ("children", "regression", 1),  # No family has two: a count, as far as can be seen.
        ("children:multiclass", "multiclass", 4),
        ("children:multiclass:6", "multiclass", 6),
        ("income", "regression", 1),
        ("debt", "regression", 1),
        ("rooms:regression", "regression", 1),
        ("city:part", "binary", 1),
        ("city:part:multiclass", "multiclass", 2),
        ("city:part:multiclass:4", "multiclass", 4),
    ],
)
def test_kinds_are_inferred_or_given(spec, kind, units):
    (task,) = infer_tasks(TABLE, [spec], verbose=False)
    assert (task.kind, task.units) == (kind, units)


def test_csv_and_booleans_are_read_as_numbers(tmp_path):
    pandas.DataFrame(TABLE).to_csv(tmp_path / "table.csv", index=False)
    found = infer_tasks(tmp_path / "table.csv", ["married", "income"], verbose=False)
    assert [task.kind for task in found] == ["binary", "regression"]
    (task,) = infer_tasks({"yes": [True, False, None]}, ["yes"], verbose=False)
    assert task.kind == "binary"


def test_twenty_classes_are_the_most():
    for count, kind in ((20, "multiclass"), (21, "regression")):
        (task,) = infer_tasks({"y": np.arange(count)}, ["y"], verbose=False)
        assert task.kind == kind


def test_names_of_columns_become_names_of_tasks():
    table = {"is rich?": [0, 1], "2nd": [0, 1], "loss": [0, 1], "Größe": [0, 1]}
    found = infer_tasks(table, list(table), verbose=False)
    assert {task.name: column for task, column in found.items()} == {
        "is_rich": "is rich?",
        "task_2nd": "2nd",
        "task_loss": "loss",
        "Gr_e": "Größe",
    }
    splits = from_table({name: [0, 1] * 10 for name in table} | {"x": list(range(20))}, found, verbose=False)
    assert [task.name for task in splits.tasks] == ["is_rich", "task_2nd", "task_loss", "Gr_e"]


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["incom"], "Did you mean 'income'"),
        (["income:regresion"], "`kind of task income` .*Did you mean 'regression'"),
        (["incom:regression"], "Did you mean 'income'"),
        (["income:binary:2"], "nothing after other kinds"),
        (["rooms:multiclass:two"], "number of classes"),
        (["rooms:multiclass:1"], "`classes`"),
        (["home town"], "'home town' must hold numbers.*received 'Oslo', 'Rome'"),
        (["nothing"], "two unlike labels; received empty cells alone"),
        (["same"], "two unlike labels; received 1 alone"),
        (["income", "income:regression"], "unlike names"),
        ([], "at least one column"),
    ],
)
def test_what_cannot_be_a_task_is_refused(specs, message):
    with pytest.raises(ValueError, match=message):
        infer_tasks(TABLE, specs, verbose=False)


def test_columns_are_a_sequence_of_texts():
    for columns in ("income", [3]):
        with pytest.raises(TypeError, match="`tasks`"):
            infer_tasks(TABLE, columns)


def test_what_is_inferred_is_what_the_tasks_are_made_with():
    assert list(infer_tasks(TABLE, ["rooms", "married"], verbose=False)) == [Task.multiclass("rooms", 3), Task.binary("married")]
