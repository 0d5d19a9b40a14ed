import hashlib

import numpy as np
import pytest

from mtlzoo.data.sources import _overlaid, fake_tfds, multi_fashion

CHECKSUMS = {
    "sener_koltun": {"train": "2f67937c20d1d263", "validation": "ad3a3c5a07a691bc", "test": "1fc75fc51b976e7a"},
    "lin": {"train": "0a518afccadb5fb4", "validation": "1bed61e9867584b7", "test": "f0eb35066162cd1b"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    fake_tfds(folder, "fashion_mnist", train=60, test=20)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("composition", list(CHECKSUMS))
def test_the_published_checksums_hold(composition, tfds_dir):
    made, classes = _overlaid.arrays("fashion_mnist", tfds_dir, composition)
    digests = {part: hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16] for part, arrays in made.items()}
    assert classes == 10 and digests == CHECKSUMS[composition]
    assert all(digest in multi_fashion.__doc__ for digest in digests.values())


@pytest.mark.parametrize(("composition", "side", "each"), [("sener_koltun", 28, 1), ("lin", 36, 2)])
def test_sizes_and_shapes(folder, composition, side, each):
    splits = multi_fashion(folder, composition=composition, batch_size=16)
    assert splits.inputs == (side, side, 1)
    assert splits.sizes == {"train": 54 * each, "validation": 6 * each, "test": 20 * each}
    x, y, weight = next(iter(splits.train))
    assert x.shape == (16, side, side, 1) and x.numpy().max() <= 1 and set(y) == {"left", "right"}
    assert all(part.numpy().all() for part in weight.values())


def test_the_upper_left_corner_shows_the_left_image(folder):
    """Made-up images have their bright row at the place of their class; the right image does not reach the first columns."""
    kept = np.floor((np.arange(28) + 0.5) * 36 / 28).astype(int)
    for x, y, _ in multi_fashion(folder, batch_size=20).test:
        there = np.isin(y["left"], kept)  # The others' rows are lost in the resize.
        assert there.sum() > 5
        brightest = x.numpy()[:, :, :4, 0].sum(axis=2).argmax(axis=1)
        np.testing.assert_array_equal(kept[brightest[there]], y["left"][there])


def test_validation_is_of_train_and_its_images_are_in_no_other_split(folder, monkeypatch):
    read = []
    monkeypatch.setattr(_overlaid, "overlay", lambda images, labels, *_, **__: read.append(images) or (images, labels, labels))
    _overlaid.arrays("fashion_mnist", folder, "lin")
    sets = [{image.tobytes() for image in images} for images in read]
    assert sorted(map(len, sets)) == [6, 20, 54] and len(set().union(*sets)) == 80


def test_the_seed_decides_the_pairs_and_the_limit_the_rows(folder):
    first, again, other = (next(iter(multi_fashion(folder, seed=seed, limit=30).test)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0]) and len(first[0]) == 20
    assert multi_fashion(folder, composition="lin", limit=30).sizes == {"train": 30, "validation": 12, "test": 30}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"composition": "linn"}, "Did you mean 'lin'"),
        ({"limit": 0}, "`limit`"),
        ({"seed": -1}, "`seed`"),
        ({"data_dir": "no/such/folder"}, "`data_dir` must be an existing folder"),
    ],
)
def test_bad_arguments_are_refused(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        multi_fashion(**{"data_dir": folder, **arguments})
