"""Labels that are text: one number for each class, in every table that a model is judged on."""

import numpy as np
import pandas
import pytest

from mtlzoo import Task
from mtlzoo.data import TableEncoder, from_table, load

TASKS = {Task.binary("rich"): "income", Task.multiclass("size", 3): "size"}
CLASSES = {"rich": ("<=50K", ">50K"), "size": ("large", "medium", "small")}
PARTS = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3


@pytest.fixture
def table():
    return {
        "x": np.arange(12.0),
        "income": [">50K", "<=50K", None, ">50K", "<=50K", ">50K"] * 2,
        "size": ["small", "large"] * 3 + ["medium", "small", None, "large", "medium", "small"],
        "part": PARTS,
    }


def labels(splits, part, task):
    """The labels of a split in the order of x, NaN where they are missing."""
    x, y, weights = next(iter(getattr(splits, part)))
    order = np.argsort(x["numbers"][:, 0])
    return np.where(weights[task], y[task], np.nan)[order].tolist()


def read(table, tasks=TASKS, **options):
    return from_table(table, tasks, splits="part", verbose=False, **options)


def test_classes_are_numbered_in_sorted_order_over_all_rows(table):
    splits = read(table)
    assert splits.encoder.classes == CLASSES, "medium is in no training row"
    np.testing.assert_array_equal(labels(splits, "train", "rich"), [1, 0, np.nan, 1, 0, 1])
    np.testing.assert_array_equal(labels(splits, "train", "size"), [2, 0] * 3)
    np.testing.assert_array_equal(labels(splits, "validation", "size"), [1, 2, np.nan])
    assert splits.encoder.columns == ("x",)


def test_files_and_pandas_categories_give_the_same(table, tmp_path):
    frame = pandas.DataFrame(table)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    kinds = frame.astype({"size": pandas.CategoricalDtype(["small", "never", "medium", "large"], ordered=True), "income": "string"})
    for other in (tmp_path / "t.csv", tmp_path / "t.parquet", kinds):
        splits = read(other)
        assert splits.encoder.classes == CLASSES
        np.testing.assert_array_equal(labels(splits, "train", "rich"), [1, 0, np.nan, 1, 0, 1])
        np.testing.assert_array_equal(labels(splits, "validation", "size"), [1, 2, np.nan])


def test_another_table_with_fewer_classes_swaps_none(table, tmp_path):
    encoder = TableEncoder.load(read(table).encoder.save(tmp_path / "encoder.keras"))
    fewer = table | {"income": [">50K"] * 12, "size": ["medium", "small", ""] * 4}
    splits = read(fewer, encoder=encoder)
    assert splits.encoder is encoder
    assert labels(splits, "train", "rich") == [1] * 6
    np.testing.assert_array_equal(labels(splits, "test", "size"), [1, 2, np.nan])
    pandas.concat([pandas.DataFrame(fewer).drop(columns="part")] * 5).to_csv(tmp_path / "fewer.csv", index=False)
    kept = TableEncoder(encoder.space, {"income": encoder.classes["rich"], "size": encoder.classes["size"]})
    splits = load(str(tmp_path / "fewer.csv"), tasks=["income", "size"], encoder=kept, verbose=False)
    assert splits.tasks == (Task.binary("income"), Task.multiclass("size", 3))
    assert labels(splits, "test", "income") == [1] * splits.sizes["test"]


def refused(table, message, tasks=TASKS, **options):
    with pytest.raises(ValueError, match=message):
        read(table, tasks, **options)


def test_a_class_that_the_encoder_does_not_know_is_named_by_row_and_column(table):
    encoder = read(table).encoder
    wrong = table | {"income": [*table["income"][:10], ">50K.", ">50K."]}
    message = (
        "column 'income', row 11 must be one of '<=50K', '>50K', or empty, as a label of task 'rich'; received '>50K.' .2 such cells.*"
    )
    refused(wrong, message + "Did you mean '>50K'", encoder=encoder)
    refused(table | {"income": [0, 1] * 6}, "column 'income', row 1 must be one of '<=50K', '>50K', .*; received 0", encoder=encoder)
    bare = TableEncoder(encoder.space, {"size": encoder.classes["size"]})
    refused(table, "`encoder` must have the classes of task 'rich', since column 'income' holds text; it has those of 'size'", encoder=bare)
    other = {Task.binary("rich"): "income", Task.multiclass("size", 4): "size"}
    refused(table, "`encoder`'s classes of task 'size' must be 4 unlike texts for a multiclass task; received 3", other, encoder=encoder)


def test_numbers_and_text_in_one_column_and_wrong_counts_are_refused(table):
    refused(table | {"income": ["1", "0"] * 5 + ["yes", "0"]}, "column 'income', row 11 must be a finite number or empty; received 'yes'")
    refused(table, "column 'size' must be 2 unlike texts for a binary task; received 3", {Task.binary("size"): "size"})
    refused(table | {"income": ["yes"] * 12}, "column 'income' must be 2 unlike texts for a binary task; received 1: 'yes'")
    refused(table, "column 'size', row 1 must be a finite number or empty; received 'small'", {Task.regression("size"): "size"})
    refused(table, "column 'size', row 1 must be a finite number", {Task.multilabel("size", 2): ["size", "income"]})


def test_numbers_are_read_as_ever(table):
    splits = read(table | {"income": [1, 0, None] * 4, "size": ["2", "0", "1"] * 4})
    assert splits.encoder.classes == {}
    np.testing.assert_array_equal(labels(splits, "train", "rich"), [1, 0, np.nan] * 2)
