"""The kind of task that a column of labels makes."""

import numpy as np
import pandas
import pytest

from mtlzoo import Task
from mtlzoo.data import TableEncoder, from_table, infer_tasks

TABLE = {
    "age": [20, 30, 40, 50],
    "married": [0, 1, 1, None],
    "rooms": [2, 0, 1, 1],
    "children": [0, 3, 1, None],
    "income": [1.5, 2.5, None, 4.0],
    "debt": [-1, 0, 1, 2],
    "city:part": [0, 1, 0, 1],
    "home town": ["Rome", "Oslo", "Rome", None],
    "size": ["small", "large", "medium", "small"],
    "grade": ["1", "best", "2", "best"],
    "alone": ["yes", None, "yes", " "],
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
        ("home town", "binary", 1),
        ("home town:binary", "binary", 1),
        ("home town:multiclass", "multiclass", 2),
        ("size", "multiclass", 3),
        ("size:multiclass:3", "multiclass", 3),
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


def test_twenty_texts_are_the_most_unless_they_are_said_to_be_classes():
    table = {"y": [f"c{place:02}" for place in range(20)]}
    (task,) = infer_tasks(table, ["y"], verbose=False)
    assert (task.kind, task.units) == ("multiclass", 20)
    table = {"y": [f"c{place:02}" for place in range(21)]}
    with pytest.raises(ValueError, match="numbers or at most 20 unlike texts; received 21: 'c00', .*, …. As 'y:multiclass' they are"):
        infer_tasks(table, ["y"])
    (task,) = infer_tasks(table, ["y:multiclass"], verbose=False)
    assert task.units == 21


def test_the_numbers_of_texts_are_printed(capsys):
    table = {"income": [">50K", "<=50K"] * 4, "size": list("cabacaba"), "town": list("hgfedcba")}
    infer_tasks(table, ["income", "size:multiclass:3", "town"])
    assert capsys.readouterr().out.splitlines() == [
        'income: binary, "<=50K" is 0, ">50K" is 1',
        'size: multiclass of 3 classes, as given, "a" is 0, "b" is 1, "c" is 2',
        'town: multiclass of 8 classes, "a" is 0, "b" is 1, "c" is 2, …, "h" is 7',
    ]


def test_classes_of_an_encoder_decide_whatever_the_table_holds():
    encoder = TableEncoder.fit({"x": [1, 2]}, classes={"size": ("large", "medium", "small"), "alone": ("no", "yes")})
    found = infer_tasks(TABLE | {"size": ["small", None, "small", "small"]}, ["size", "alone", "rooms"], encoder=encoder, verbose=False)
    assert list(found) == [Task.multiclass("size", 3), Task.binary("alone"), Task.multiclass("rooms", 3)]
    with pytest.raises(ValueError, match="must be 2 unlike texts for a binary task; received 3"):
        infer_tasks(TABLE, ["size:binary"], encoder=encoder)
    with pytest.raises(TypeError, match="`encoder` must be a mtlzoo.data.TableEncoder"):
        infer_tasks(TABLE, ["size"], encoder="encoder.keras")


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
        (["home town:regression"], "column 'home town', row 1 must be a finite number or empty; received 'Rome' "),
        (["grade"], "column 'grade', row 2 must be a finite number or empty; received 'best' .2 such cells"),
        (["alone"], "column 'alone' must hold at least two unlike labels; received 'yes' alone"),
        (["size:binary"], "column 'size' must be 2 unlike texts for a binary task; received 3: 'large', 'medium', 'small'"),
        (["size:multiclass:4"], "column 'size' must be 4 unlike texts for a multiclass task; received 3"),
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
