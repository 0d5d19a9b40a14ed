"""Tables of every form become the same mixtures."""

import gzip

import numpy as np
import pandas
import pytest

from mtlzoo import Task
from mtlzoo.data import from_table

ROWS = 60
TASKS = [Task.binary("rich"), Task.regression("height")]


@pytest.fixture
def frame(rng):
    made = pandas.DataFrame(
        {
            "city": rng.choice(["Rome", "Oslo", "Bern"], ROWS),
            "age": rng.integers(18, 90, ROWS),
            "wage": rng.normal(50, 9, ROWS).round(3),
            "rich": rng.integers(0, 2, ROWS),
            "height": rng.normal(170, 8, ROWS).round(2),
        }
    )
    made.loc[3, "city"] = None
    made.loc[4, "wage"] = np.nan
    made["rich"] = made["rich"].astype("Int64")
    made.loc[5, "rich"] = pandas.NA
    made.loc[6, "height"] = np.nan
    return made


def write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def arrays(splits, part="train"):
    """All rows of a split, in the order of the first number."""
    batches = list(getattr(splits, part))
    x = {key: np.concatenate([batch[0][key] for batch in batches]) for key in batches[0][0]}
    y, w = ({key: np.concatenate([batch[i][key] for batch in batches]) for key in batches[0][i]} for i in (1, 2))
    order = np.lexsort(np.concatenate([*x.values()], axis=1).T)
    return [{key: values[order] for key, values in part.items()} for part in (x, y, w)]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_files_and_frames_give_the_same(frame, tmp_path, name):
    wanted = from_table(frame, TASKS, verbose=False, seed=2)
    found = from_table(write(frame, tmp_path / name), TASKS, verbose=False, seed=2)
    assert (found.inputs, found.sizes, found.encoder.describe()) == (wanted.inputs, wanted.sizes, wanted.encoder.describe())
    for ours, theirs in zip(arrays(found), arrays(wanted), strict=True):
        for key, values in theirs.items():
            np.testing.assert_array_equal(ours[key], values)


def test_vocabulary_and_normalisation_are_those_of_the_training_rows(frame):
    frame["part"] = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    frame.loc[55, "city"] = "Paris"
    frame.loc[56, "age"] = 9000
    splits = from_table(frame, TASKS, splits="part", verbose=False)
    assert splits.sizes == {"train": 40, "validation": 10, "test": 10}
    assert "Paris" not in splits.encoder.vocabulary("city")
    train = arrays(splits)[0]
    numbers = train["numbers"]
    np.testing.assert_allclose(numbers[:, 0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(numbers[:, 0].std(), 1, rtol=1e-5)
    test_x = next(iter(splits.test))[0]
    assert test_x["categories"][5, 0] == 0 and test_x["numbers"][6, 0] > 100
    assert "part" not in splits.encoder.columns


def test_empty_label_cells_are_missing_labels(frame):
    frame["part"] = "train"
    frame.loc[20:29, "part"], frame.loc[30:39, "part"] = "validation", "test"
    splits = from_table(frame, TASKS, splits="part", verbose=False, batch_size=ROWS)
    _, y, weights = arrays(splits)
    assert {task: int((values == 0).sum()) for task, values in weights.items()} == {"rich": 1, "height": 1}
    assert all((y[task][weights[task] == 0] == 0).all() for task in y)


def test_labels_may_have_other_columns_and_several(rng):
    table = {"x": rng.normal(size=30), "a": rng.integers(0, 2, 30), "b": [0, None, 1] * 10, "grade": rng.integers(0, 3, 30)}
    splits = from_table(table, {Task.multilabel("both", 2): ["a", "b"], Task.multiclass("class", 3): "grade"}, verbose=False)
    x, y, weights = arrays(splits)
    assert list(x) == ["numbers"] and splits.inputs == {"numbers": (1,)}
    assert y["both"].shape == weights["both"].shape == (24, 2)
    assert weights["both"][:, 0].all() and not weights["both"][:, 1].all()
    assert y["class"].dtype == "int32"


def test_what_is_inferred_is_printed(frame, capsys):
    from_table(frame, TASKS)
    printed = capsys.readouterr().out
    assert "city: category" in printed and "age: number" in printed and "rich" not in printed
    splits = from_table(frame, TASKS, features={"age": "category"})
    assert capsys.readouterr().out == "" and splits.encoder.categories == ("age",)


def test_one_seed_decides_split_and_order(frame):
    first, again, other = (from_table(frame, TASKS, seed=seed, verbose=False) for seed in (1, 1, 2))
    for one, two in zip(first.train, again.train, strict=True):
        np.testing.assert_array_equal(one[0]["numbers"], two[0]["numbers"])
    assert not np.array_equal(arrays(first, "test")[0]["numbers"], arrays(other, "test")[0]["numbers"])


def refused(frame, message, tasks=TASKS, error=ValueError, **options):
    with pytest.raises(error, match=message):
        from_table(frame, tasks, **{"verbose": False, **options})


def test_errors_name_row_and_column(frame, tmp_path):
    wrong = frame.astype(object)
    wrong.loc[41, "age"] = "old"
    refused(wrong, "column 'age', row 42 must be a finite number or empty; received 'old'", features={"age": "number"})
    wrong = frame.copy()
    wrong.loc[10, "rich"] = 2
    refused(wrong, "column 'rich', row 11 must be 0 or 1, or empty, as a label of task 'rich'; received 2")
    frame["part"] = ["train"] * 59 + ["tset"]
    refused(frame, "column 'part', row 60 must be one of 'train', 'validation', 'test'; received 'tset'", splits="part")


def test_bad_arguments_are_refused(frame, tmp_path):
    refused(tmp_path / "none.csv", "must be a file that is there")
    refused(write(frame, tmp_path / "t.txt").rename(tmp_path / "t.cvs"), "Did you mean '.csv'")
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(frame.to_csv().encode())[:100])
    refused(tmp_path / "half.csv.gz", "cannot be read")
    refused(frame, "Did you mean 'height'", tasks=[Task.regression("heigth")])
    refused(frame, "`features` must not hold labels", features=["age", "rich"])
    refused(frame, "`tasks` must not be named as the inputs", tasks={Task.binary("numbers"): "rich"})
    refused(frame, "must name 1 columns", tasks={Task.binary("rich"): ["rich", "age"]})
    refused(frame, "missing \\['test'\\]", splits={"train": 0.9, "validation": 0.1})
    refused(frame.assign(part="train"), "gives none to 'validation'", splits="part")
    refused(frame.iloc[:0], "must have rows and columns")
    refused([1, 2], "the path of a CSV", error=TypeError)


def test_an_encoder_that_is_fitted_is_used_as_it_is(frame):
    first = from_table(frame, TASKS, verbose=False)
    other = frame.iloc[::-1].reset_index(drop=True)
    other["city"] = ["Paris", "Oslo"] * (ROWS // 2)
    other["age"] += 100
    splits = from_table(other, TASKS, encoder=first.encoder)
    assert splits.encoder is first.encoder and splits.inputs == first.inputs
    x = arrays(splits)[0]
    assert set(x["categories"][:, 0]) == {0, first.encoder.vocabulary("city").index("Oslo")}
    assert x["numbers"][:, 0].mean() > 2
    refused(other, "`encoder` decides the features; received features=\\['age'\\]", encoder=first.encoder, features=["age"])
    refused(other, "received features=None and min_count=2", encoder=first.encoder, min_count=2)
    refused(other, "must not hold labels or the split; received 'age'", encoder=first.encoder, tasks=[Task.regression("age")])
    refused(other.drop(columns="wage"), "received 'wage'", encoder=first.encoder)
    refused(other, "`encoder` must be a mtlzoo.data.TableEncoder", encoder="encoder.keras", error=TypeError)


def test_columns_of_a_dict_go_together_by_place(frame):
    wanted = from_table(frame, TASKS, verbose=False)
    columns = {name: frame[name].set_axis(np.arange(ROWS)[:: -1 if place % 2 else 1]) for place, name in enumerate(frame.columns)}
    found = from_table({**columns, "age": iter(frame["age"])}, TASKS, verbose=False)
    for ours, theirs in zip(arrays(found), arrays(wanted), strict=True):
        for key, values in theirs.items():
            np.testing.assert_array_equal(ours[key], values)
    refused({"a": [1, 2, 3], "rich": pandas.Series([0, 1])}, "columns of one length; received 3 cells for 'a' and 2 for 'rich'")
    refused({"a": [1, 2], "rich": 0}, "a sequence of cells for each column; received 0 for 'rich'")
    refused({"a": {0: 1, 1: 2}, "rich": [0, 1]}, "a sequence of cells for each column; received {0: 1, 1: 2} for 'a'")


def test_a_row_of_more_cells_than_the_header_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,rich\n" + "1,x,0,\n" * 40)
    refused(path, "cannot be read: .*Expected 3 fields in line 2, saw 4", tasks=TASKS[:1])
    path.write_text("a,b,rich\n" + "1,x,0\n" * 40 + "1,x,y,0\n")
    refused(path, "cannot be read: .*Expected 3 fields in line 42, saw 4", tasks=TASKS[:1])


def test_a_doubled_column_of_a_file_is_no_feature_more(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,rich,rich\n" + "1,0,0\n2,1,1\n" * 20)
    refused(path, "unlike column names; received 'rich' more than once", tasks=TASKS[:1])


def test_a_column_without_a_name_in_a_file_is_named_by_its_place(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv")
    assert from_table(tmp_path / "t.csv", TASKS, verbose=False).encoder.numbers == ("Unnamed: 0", "age", "wage")
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + b"a,rich\n" + b"1,0\n2,1\n" * 20)
    assert from_table(tmp_path / "bom.csv", TASKS[:1], verbose=False).encoder.columns == ("a",)


def test_columns_may_have_the_names_of_arguments(frame):
    renamed = frame.rename(columns={"age": "self", "wage": "columns"})
    assert from_table(renamed, TASKS, verbose=False).encoder.numbers == ("self", "columns")
    assert list(renamed.columns) == ["city", "self", "columns", "rich", "height"] and renamed["self"].dtype == frame["age"].dtype


def test_numbers_are_standardized_by_the_training_rows_alone(frame):
    parts = np.array(["train"] * 40 + ["validation"] * 10 + ["test"] * 10)
    made = frame.assign(part=parts)
    made.loc[40:, "height"] = 1e6
    splits = from_table(made, TASKS, splits="part", standardize=True, verbose=False)
    height = splits.tasks[1]
    np.testing.assert_allclose([height.activation.offset, height.activation.scale], [made.height[:40].mean(), made.height[:40].std(ddof=0)])
    assert splits.tasks[0] == TASKS[0] and height.monitor == TASKS[1].monitor
    same = from_table(made.assign(height=1.0), TASKS, splits="part", standardize=True, verbose=False)
    assert same.tasks[1] == TASKS[1], "numbers that do not differ have no deviation"


def test_every_split_has_a_limit(frame):
    whole, splits = from_table(frame, TASKS, verbose=False), from_table(frame, TASKS, limit=4, verbose=False)
    assert splits.sizes == {"train": 4, "validation": 4, "test": 4} and whole.sizes["train"] == 48
    with pytest.raises(ValueError, match="`limit`"):
        from_table(frame, TASKS, limit=0)
