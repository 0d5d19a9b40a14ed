import numpy as np
import pandas
import pytest

from mtlzoo.data import TableEncoder, is_table, load, start_at


def test_the_default_is_embedded():
    assert load(limit=20).sizes == {"train": 20, "validation": 20, "test": 20}


def test_an_encoder_is_for_tables():
    with pytest.raises(ValueError, match="`encoder` is for files of tables and for 'census_income'; received data 'digits' with one"):
        load("digits", encoder=TableEncoder.fit({"city": ["Rome", "Oslo"]}))


def test_a_spec_is_a_string():
    with pytest.raises(TypeError, match="`data`"):
        load(3)


@pytest.fixture
def people(tmp_path):
    rows = np.arange(100)
    table = {"age": rows, "city": np.where(rows % 3, "Rome", "Oslo"), "married": rows % 2, "income": 30_000.0 + 1_000 * rows}
    pandas.DataFrame(table).to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_a_file_is_a_table_with_the_tasks_that_are_named(people, capsys):
    splits = load(str(people), tasks=["income", "married"], limit=50)
    assert [(task.name, task.kind) for task in splits.tasks] == [("income", "regression"), ("married", "binary")]
    assert splits.sizes == {"train": 50, "validation": 10, "test": 10} and splits.encoder.columns == ("city", "age")
    printed = capsys.readouterr().out
    assert "married: binary, since its labels are 0 and 1" in printed and "city: category" in printed
    labels = np.concatenate([y["income"] for _, y, _ in splits.train.as_numpy_iterator()])
    assert labels.min() >= 30_000, "labels keep their unit"
    affine = splits.tasks[0].activation
    np.testing.assert_allclose([affine.offset, affine.scale], [labels.mean(), labels.std()], rtol=1e-5)


def test_a_file_of_a_folder_is_read_with_a_fitted_encoder(people, capsys):
    encoder = load(str(people), tasks=["income"], verbose=False).encoder
    splits = load(
        "elsewhere/people.csv", str(people.parent), tasks=["married"], encoder=TableEncoder.fit({"city": ["Oslo"]}), verbose=False
    )
    assert splits.encoder.columns == ("city",) != encoder.columns
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": []}, "must name the columns of .*people.csv.* that are to be predicted.*'age', 'city', 'married', 'income'"),
        ({"tasks": ["incom"]}, "Did you mean 'income'"),
        ({"tasks": ["income"], "limit": 0}, "`limit`"),
    ],
)
def test_bad_tasks_of_a_file(arguments, message, people):
    with pytest.raises(ValueError, match=message):
        load(str(people), **arguments)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="must be a file that is there"):
        load(str(tmp_path / "peple.csv"), tasks=["income"])
    assert is_table("peple.csv") and not is_table("mnist+fashion_mnist")


def test_tasks_of_a_source_may_be_chosen():
    whole, splits = load(limit=20), load(tasks=["sum", "left"], limit=20)
    assert [task.name for task in splits.tasks] == ["sum", "left"] and splits.sizes == whole.sizes
    (x, y, weights), (wanted, labels, _) = next(iter(start_at(splits.train, 1))), next(iter(start_at(whole.train, 1)))
    np.testing.assert_array_equal(x, wanted)
    assert list(y) == ["sum", "left"] == list(weights)
    np.testing.assert_array_equal(y["sum"], labels["sum"])
    with pytest.raises(ValueError, match="Did you mean 'left'"):
        load(tasks=["lefd"], limit=20)
    with pytest.raises(TypeError, match="`tasks`"):
        load(tasks="left", limit=20)
