"""The encoder: one answer for each cell, in memory, in the graph and in its file."""

import datetime

import numpy as np
import pandas
import pytest
import tensorflow as tf

from mtlzoo.data import TableEncoder

FRAME = pandas.DataFrame(
    {
        "city": ["Rome", "Oslo", None, "Rome", "[UNK]"],
        "code": [36, 1, 36, 7, 36],
        "hours per week": [1.0, None, 3.0, 5.0, 7.0],
        "flag": [True, False, True, True, True],
    }
)
KINDS = {"city": "category", "code": "category", "hours per week": "number", "flag": "category"}


@pytest.fixture
def encoder():
    return TableEncoder.fit(FRAME, KINDS)


def test_texts_have_ids_by_how_often_they_occur(encoder):
    assert encoder.vocabulary("city") == ["[UNK]", "Rome", "", "Oslo"]
    assert encoder.vocabulary("code") == ["[UNK]", "36", "1", "7"]
    assert encoder.vocabulary("flag") == ["[UNK]", "True", "False"]
    assert encoder.sizes == (4, 4, 3)
    assert encoder.inputs == {"categories": (3, "int32"), "numbers": (1,)}
    found = encoder.encode(FRAME)
    assert found["categories"][:, 0].tolist() == [1, 3, 2, 1, 0]
    assert found["categories"].dtype == "int32" and found["numbers"].dtype == "float32"


def test_numbers_are_normalised_over_the_cells_that_are_there(encoder):
    values = np.array([1.0, 3.0, 5.0, 7.0])
    wanted = (values - values.mean()) / values.std()
    found = encoder.encode(FRAME)["numbers"][:, 0]
    np.testing.assert_allclose(found[[0, 2, 3, 4]], wanted, rtol=1e-6)
    assert found[1] == 0


def test_unknown_texts_and_whole_floats():
    encoder = TableEncoder.fit(FRAME, KINDS)
    new = pandas.DataFrame({"city": ["Paris", "Oslo"], "code": [36.0, None], "hours per week": ["4", ""], "flag": ["True", "no"]})
    new = new.replace({"": None})
    found = encoder.encode(new)
    assert found["categories"].tolist() == [[0, 1, 1], [3, 0, 0]]
    np.testing.assert_allclose(found["numbers"][:, 0], [0, 0], atol=1e-7)


def test_the_graph_and_memory_agree(encoder):
    raw = {name: tf.constant(values) for name, values in encoder.raw(FRAME).items()}
    found, wanted = tf.function(encoder)(raw), encoder.encode(FRAME)
    for key, values in wanted.items():
        np.testing.assert_array_equal(found[key], values)
        assert found[key].dtype == values.dtype


def test_the_file_brings_it_back(encoder, tmp_path):
    path = encoder.save(tmp_path / "encoder.keras")
    loaded = TableEncoder.load(path)
    assert (loaded.columns, loaded.sizes, loaded.describe()) == (encoder.columns, encoder.sizes, encoder.describe())
    for key, values in encoder.encode(FRAME).items():
        np.testing.assert_array_equal(loaded.encode(FRAME)[key], values)
    with pytest.raises(ValueError, match="overwrite=True"):
        encoder.save(path)
    (tmp_path / "other.keras").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="that TableEncoder.save wrote"):
        TableEncoder.load(tmp_path / "other.keras")


def test_classes_of_labels_are_kept_in_its_file(tmp_path):
    classes = {"income": ["<=50K", ">50K"], "größe": ["groß", "klein", "mittel"]}
    encoder = TableEncoder.fit({"age": [20, 40]}, classes=classes)
    assert encoder.classes == {"income": ("<=50K", ">50K"), "größe": ("groß", "klein", "mittel")}
    loaded = TableEncoder.load(encoder.save(tmp_path / "encoder.keras"))
    assert loaded.classes == encoder.classes and loaded.columns == ("age",)
    assert TableEncoder(encoder.space).classes == {}


def test_a_file_without_classes_is_read(tmp_path):
    space = TableEncoder.fit({"age": [20, 40], "city": ["Rome", "Oslo"]}).space
    space.save(tmp_path / "old.keras")
    loaded = TableEncoder.load(tmp_path / "old.keras")
    assert loaded.classes == {} and loaded.columns == ("city", "age")


@pytest.mark.parametrize("names", [["yes"], "no", ["yes", "yes"], [0, 1], ["", "yes"], ["a", "b", "a"]])
def test_classes_are_two_or_more_unlike_texts(names, encoder):
    with pytest.raises(ValueError, match="`classes` must be two or more unlike texts for each task; received .* for 'income'"):
        TableEncoder(encoder.space, {"income": names})
    with pytest.raises(TypeError, match="`classes` must be a dict"):
        TableEncoder(encoder.space, [("income", names)])


def test_rare_categories_share_the_unknown_id():
    encoder = TableEncoder.fit(FRAME, {"city": "category"}, min_count=2)
    assert encoder.vocabulary("city") == ["[UNK]", "Rome"]
    assert encoder.encode(FRAME)["categories"][:, 0].tolist() == [1, 0, 0, 1, 0]
    none = TableEncoder.fit({"city": ["a", "b"]}, min_count=5)
    assert none.encode({"city": ["a", "c"]})["categories"].tolist() == [[0], [0]]


def test_a_constant_number_and_one_that_is_never_there():
    encoder = TableEncoder.fit({"same": [3.0, 3.0], "empty": [None, None]}, {"same": "number", "empty": "number"})
    assert encoder.encode({"same": [3.0, 4.0], "empty": [None, 2.0]})["numbers"].tolist() == [[0, 0], [1, 2]]


def test_kinds_are_inferred_from_all_cells_that_are_there():
    table = {"a": ["1", None, "2.5"], "b": ["1", "x", None], "c": [None, None, None], "d": [True, False, True], "e": [1, 2, 3]}
    encoder = TableEncoder.fit(table)
    assert (encoder.categories, encoder.numbers) == (("b", "d"), ("a", "e"))
    assert TableEncoder.fit(table, ["a"]).columns == ("a",)
    dates = TableEncoder.fit({"day": pandas.to_datetime(["2024-01-01", "2024-01-02"])})
    assert dates.categories == ("day",)


def test_pandas_categories_of_numbers_are_categories():
    table = {"code": pandas.Categorical([36, 1, 36]), "text": pandas.Categorical(["1", "2", "1"]), "n": [1, 2, 3]}
    table["month"] = pandas.period_range("2024-01", periods=3, freq="M")
    encoder = TableEncoder.fit(table)
    assert (encoder.categories, encoder.numbers) == (("code", "text", "month"), ("n",))
    assert encoder.vocabulary("code") == ["[UNK]", "36", "1"]
    assert TableEncoder.fit(table, {"code": "number"}).numbers == ("code",)
    days = {"late": pandas.to_timedelta([1, 2, 1], "D")}
    assert TableEncoder.fit(days, {"late": "category"}).sizes == (3,)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (1.7e9 + np.arange(100), r"column 't' must hold numbers that float32 tells apart; received values of mean 1.7e\+09 .* offset"),
        (np.array([1e-9, 2e-9, 4e-9]), "column 't' must have a standard deviation from 1e-07 to 1.8e"),
        (np.array([1e-30, 2e25]), "column 't' must have a standard deviation from 1e-07 to 1.8e"),
        (np.array([0.0, 1.0, -1e39]), "column 't', row 3 must be a number that float32 can hold; received -1e"),
    ],
)
def test_numbers_that_float32_cannot_normalise_are_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        TableEncoder.fit({"t": cells})
    encoder = TableEncoder.fit({"t": [0.0, 1.0]})
    for read in (encoder.encode, encoder.raw):
        with pytest.raises(ValueError, match="row 2 must be a number that float32 can hold"):
            read({"t": [0.0, 1e39]})


@pytest.mark.parametrize("cells", [np.array([2000] * 9999 + [2001]), 1.7e9 + 1e6 * np.arange(99), np.arange(2**24 - 50, 2**24)])
def test_numbers_far_from_zero_that_float32_tells_apart_are_taken(cells):
    found = TableEncoder.fit({"t": cells}).encode({"t": cells})["numbers"][:, 0]
    assert len(np.unique(found)) == len(np.unique(cells))
    np.testing.assert_allclose(found, (cells - cells.mean()) / cells.std(), atol=0.05)


@pytest.mark.parametrize("value", [0.1, 1e-12, 16777217.0, 1e30])
def test_a_number_that_never_changes_is_zero(value):
    encoder = TableEncoder.fit({"same": [value] * 10})
    assert encoder.encode({"same": [value, None]})["numbers"].tolist() == [[0], [0]]


@pytest.mark.parametrize("cells", [pandas.to_timedelta([1, 2], "s"), [datetime.timedelta(1), None]])
def test_durations_are_refused_by_the_name_of_their_column(cells):
    with pytest.raises(ValueError, match="`table`: column 'late' must hold numbers, such as the seconds of its durations, or be said"):
        TableEncoder.fit({"late": cells})
    with pytest.raises(ValueError, match="column 'late' must hold numbers, such as days or seconds; received timedelta"):
        TableEncoder.fit({"late": cells}, {"late": "number"})


def test_times_are_no_numbers():
    for cells in (pandas.to_datetime(["2024-01-01", None]), [datetime.date(2024, 1, 1), None]):
        with pytest.raises(ValueError, match="column 'day' must hold numbers, such as days or seconds; received date"):
            TableEncoder.fit({"day": cells}, {"day": "number"})
    encoder = TableEncoder.fit({"day": [1, 2]})
    with pytest.raises(ValueError, match="column 'day' must hold numbers"):
        encoder.encode({"day": pandas.to_datetime(["2024-01-01", "2024-01-02"])})


@pytest.mark.parametrize(
    ("table", "features", "message"),
    [
        ({"a": ["1", "x"]}, {"a": "number"}, "column 'a', row 2 must be a finite number or empty; received 'x'"),
        ({"a": [1.0, np.inf]}, None, "column 'a', row 2 must be a finite number"),
        ({"a": [1.0]}, {"b": "number"}, "`features key` must be one of 'a'; received 'b'"),
        ({"a": [1.0]}, {"a": "numbr"}, "Did you mean 'number'"),
        ({"a/b": ["x"]}, None, "without '/'"),
        ({"a": [None]}, None, "at least one column with values"),
    ],
)
def test_bad_tables_are_refused(table, features, message):
    with pytest.raises(ValueError, match=message):
        TableEncoder.fit(table, features)


def test_missing_columns_are_named(encoder):
    with pytest.raises(ValueError, match="`column` must be one of .* received 'flag'"):
        encoder.encode(FRAME.drop(columns="flag"))
    with pytest.raises(ValueError, match="missing"):
        encoder({"city": tf.constant(["Rome"])})


def test_files_of_other_delimiters(tmp_path):
    path, other = tmp_path / "t.csv", tmp_path / "u.csv"
    FRAME.to_csv(path, index=False, sep=";")
    FRAME.to_csv(other, index=False)
    encoder, wanted = TableEncoder.fit(path, KINDS, delimiter=";"), TableEncoder.fit(other, KINDS)
    assert (encoder.columns, encoder.sizes, encoder.describe()) == (wanted.columns, wanted.sizes, wanted.describe())
    for method in ("encode", "raw"):
        found = getattr(encoder, method)(path, delimiter=";")
        for key, values in getattr(wanted, method)(other).items():
            np.testing.assert_array_equal(found[key], values)
    for delimiter in ("", ";;", "\n", '"'):
        with pytest.raises(ValueError, match="`delimiter` must be one character"):
            encoder.encode(path, delimiter=delimiter)
    with pytest.raises(TypeError, match="`delimiter` must be a string of one character; received None"):
        TableEncoder.fit(path, delimiter=None)


def test_columns_may_have_the_names_of_arguments():
    table = {"self": [1.0, 2.0, 3.0], "columns": ["a", "b", "a"], "index": [3, 4, 5]}
    found = TableEncoder.fit(table).encode(table)
    assert found["numbers"].shape == (3, 2) and found["categories"].shape == (3, 1)
