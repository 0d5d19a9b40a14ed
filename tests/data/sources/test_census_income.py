"""Census-Income: its columns, its fixed split, and the real file where it is there."""

import gzip

import numpy as np
import pytest

from mtlzoo.data.sources import census_income, fake_census
from mtlzoo.data.sources.census_income import COLUMNS, FILE
from tests.conftest import SHARED


@pytest.fixture
def folder(tmp_path):
    fake_census(tmp_path, rows=200)
    return tmp_path


def test_labels_education_and_weight_are_no_features(folder):
    splits = census_income(folder)
    assert len(COLUMNS) == 42
    assert set(COLUMNS) - set(splits.encoder.columns) == {"income", "marital_status", "education", "instance_weight"}
    assert splits.inputs == {"categories": (31, "int32"), "numbers": (7,)}


def test_the_split_is_the_same_for_every_seed_and_the_order_is_not(folder):
    first, other = census_income(folder, seed=0), census_income(folder, seed=1)
    assert first.sizes == {"train": 140, "validation": 30, "test": 30}
    np.testing.assert_array_equal(next(iter(first.test))[0]["numbers"], next(iter(other.test))[0]["numbers"])
    ours, theirs = (next(iter(splits.train))[0]["numbers"] for splits in (first, other))
    assert not np.array_equal(ours, theirs)
    assert census_income(folder, limit=20).sizes == {"train": 20, "validation": 20, "test": 20}


def test_half_a_file_and_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"`data_dir` must be a folder with {FILE}"):
        census_income(tmp_path)
    path = fake_census(tmp_path, rows=200)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="must hold a whole"):
        census_income(tmp_path)
    path.write_bytes(gzip.compress(b"1, 2, 3\n"))
    with pytest.raises(ValueError, match="of 42 columns; .* has 3"):
        census_income(tmp_path)
    path.write_bytes(gzip.compress((", ".join(["0"] * 42) + "\n").encode()))
    with pytest.raises(ValueError, match="has '0'"):
        census_income(tmp_path)
    with pytest.raises(ValueError, match="must not hold"):
        fake_census(tmp_path)


def test_the_real_file():
    folder = SHARED / "data" / "census_income"
    if not folder.is_dir():
        pytest.skip(f"needs Census-Income in {folder}")
    splits = census_income(folder, batch_size=4096)
    assert splits.sizes == {"train": 69_833, "validation": 14_965, "test": 14_964}
    labels = [y for _, y, _ in splits.train]
    assert round(float(np.mean(np.concatenate([y["income"] for y in labels]))), 4) == 0.0627
    assert round(float(np.mean(np.concatenate([y["never_married"] for y in labels]))), 4) == 0.4327
    assert sum(splits.encoder.sizes) == 508
