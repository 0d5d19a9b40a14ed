import shutil

import numpy as np
import pytest

from mtlzoo.data import load, start_at
from mtlzoo.data.sources import fake_tfds, from_tfds


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    fake_tfds(folder, "mnist", train=60, test=20, seed=1)
    fake_tfds(folder, "fashion_mnist", train=40, test=10, seed=2)
    fake_tfds(folder, "cifar10", shape=(32, 32, 3), train=20, test=10)
    fake_tfds(folder, "eurosat", train=20, test=0)
    return folder


@pytest.fixture
def copied(made, tmp_path):
    shutil.copytree(made / "mnist", tmp_path / "mnist")
    return tmp_path


def epoch(mixture):
    return [np.concatenate(parts) for parts in zip(*[(x, y["mnist"], w["mnist"]) for x, y, w in mixture.as_numpy_iterator()], strict=True)]


@pytest.mark.parametrize("in_memory", [True, False])
def test_two_sets_become_two_tasks_of_one_mixture(made, in_memory):
    splits = from_tfds("mnist+fashion_mnist", made, batch_size=16, in_memory=in_memory)
    assert [task.name for task in splits.tasks] == ["mnist", "fashion_mnist"]
    assert splits.inputs == (28, 28, 1)
    assert splits.sizes == {"train": 90, "validation": 10, "test": 30}
    for name, size in splits.sizes.items():
        weights = [w for _, _, w in getattr(splits, name).as_numpy_iterator()]
        mnist, fashion = (np.concatenate([w[task.name] for w in weights]) for task in splits.tasks)
        assert len(mnist) == size
        np.testing.assert_array_equal(mnist + fashion, 1)
    x, y, w = epoch(splits.train)
    assert x.dtype == np.float32 and x.min() >= 0 and x.max() <= 1
    brightest = x[..., 0].sum(axis=2)[:, :10].argmax(axis=1)
    np.testing.assert_array_equal(brightest[w == 1], y[w == 1])


def test_memory_and_stream_hold_the_same_examples(made):
    found = [epoch(from_tfds("mnist", made, in_memory=held).test)[0] for held in (True, False)]
    np.testing.assert_array_equal(*found)


def test_the_parts_are_disjoint_and_complete(made):
    splits = from_tfds("mnist", made, validation={"mnist": 0.25})
    assert splits.sizes == {"train": 45, "validation": 15, "test": 20}
    images = [image.tobytes() for name in splits.sizes for image in epoch(getattr(splits, name))[0]]
    assert len(set(images)) == 80


def test_a_set_without_an_official_test_gives_the_last_tenth_of_train(made):
    assert from_tfds("eurosat", made).sizes == {"train": 16, "validation": 2, "test": 2}


def test_limit_takes_as_many_rows_of_each_set(made):
    assert load("mnist+fashion_mnist", made, limit=5).sizes == {"train": 10, "validation": 9, "test": 10}


def test_the_seed_decides_the_order(made):
    first, again, other = (from_tfds("mnist", made, seed=seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(epoch(first)[0], epoch(again)[0])
    assert not np.array_equal(epoch(start_at(first, 0))[0], epoch(other)[0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mnist+cifar10", r"\(28, 28, 1\) uint8 in 'mnist' and \(32, 32, 3\) uint8 in 'cifar10'"),
        ("mnst", "received 'mnst'. Did you mean 'mnist'"),
        ("mnist+mnist", "unlike names"),
        ("mnist+", "unlike names"),
        ("digits+mnist", "stands alone"),
        ("digts", "Did you mean 'digits'"),
    ],
)
def test_bad_specs_are_refused(made, spec, message):
    with pytest.raises(ValueError, match=message):
        load(spec, made)


def listing(folder):
    return {path: path.stat().st_size for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "dataset_info.json").unlink(), "dataset_info.json is missing"),
        (lambda folder: (folder / "features.json").unlink(), "features.json is missing"),
        (lambda folder: (folder / "dataset_info.json").write_text("{"), "cannot be read"),
        (lambda folder: next(folder.glob("*train*")).unlink(), "is missing .1 of 1 files of 'train'"),
        (lambda folder: next(folder.glob("*test*")).write_bytes(b"short"), "the files of 'test' have 5 bytes"),
        (lambda folder: folder.rename(folder.parent / "incomplete.ABC123_1.0.0"), "preparation was interrupted"),
        (lambda folder: folder.rename(folder.parent / "1.0.0.incompleteABC123"), "preparation was interrupted"),
    ],
)
def test_half_written_data_are_refused_and_left_alone(copied, harm, message):
    harm(copied / "mnist" / "1.0.0")
    before = listing(copied)
    with pytest.raises(ValueError, match=f"'mnist' is half-written.*{message}.*Nothing was changed"):
        from_tfds("mnist", copied)
    assert listing(copied) == before


def test_damaged_bytes_are_refused(copied):
    shard = next((copied / "mnist" / "1.0.0").glob("*train*"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 255
    shard.write_bytes(data)
    with pytest.raises(ValueError, match="half-written.*reading"):
        from_tfds("mnist", copied)


def test_an_interrupted_prepare_beside_a_whole_version_does_no_harm(copied):
    (copied / "mnist" / "incomplete.ABC123_2.0.0").mkdir()
    assert from_tfds("mnist", copied).sizes["test"] == 20


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`data_dir` must be an existing folder"):
        from_tfds("mnist", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_failed_download_is_one_clear_error(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(self, **_):
        raise ConnectionError("no network")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ValueError, match="'mnist' is not in .* could not be downloaded: no network"):
        from_tfds("mnist", tmp_path)


def test_prepared_sets_of_the_machine(tfds_dir):
    splits = load("mnist+fashion_mnist", tfds_dir, limit=300)
    assert splits.sizes == {"train": 600, "validation": 600, "test": 600}
