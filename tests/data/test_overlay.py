import numpy as np
import pytest

from mtlzoo.data import overlay


@pytest.fixture
def base():
    rng = np.random.default_rng(0)
    return rng.integers(1, 256, (40, 28, 28), dtype="uint8"), rng.integers(10, size=40)


def test_the_larger_value_wins_where_images_meet():
    images = np.stack([np.full((8, 8), 3), np.full((8, 8), 5)])
    x, left, right = overlay(images, np.array([0, 1]), 4, shift=4, margin=0, seed=1)
    assert x.shape == (4, 12, 12, 1)
    for image, first, second in zip(x[..., 0], left, right, strict=True):
        expected = np.zeros((12, 12), int)
        expected[:8, :8] = images[first]
        expected[4:, 4:] = np.maximum(expected[4:, 4:], images[second])
        np.testing.assert_array_equal(image, expected)


def matches(x, images, labels, label, top, edge):
    """Whether an image of the label is on the canvas at that place, wherever it is not hidden by larger values."""
    height, width = images.shape[1:]
    return any(np.all(x[top : top + height, edge : edge + width, 0] >= image) for image in images[labels == label])


def test_sener_and_koltun(base):
    images, labels = base
    x, left, right = overlay(images, labels, 90, resize=True, seed=3)
    assert x.shape == (90, 28, 28, 1) and x.dtype == np.uint8
    np.testing.assert_array_equal(left, labels[np.arange(90) % 40])
    whole, *same = overlay(images, labels, 90, seed=3)
    np.testing.assert_array_equal([left, right], same)
    assert whole.shape == (90, 36, 36, 1)
    assert not whole[:, 34:].any() and not whole[:, :, 34:].any() and not whole[:, :6, 28:].any() and not whole[:, 28:, :6].any()
    for image, first, second in zip(whole, left, right, strict=True):
        assert matches(image, images, labels, first, 0, 0) and matches(image, images, labels, second, 6, 6)
    kept = np.floor((np.arange(28) + 0.5) * 36 / 28).astype(int)
    np.testing.assert_array_equal(x, whole[:, kept][:, :, kept])
    assert kept[0] == 0 and kept[-1] == 35 and len(set(kept)) == 28


def test_lin(base):
    images, labels = base
    x, left, right = overlay(images, labels, 400, shift=8, margin=0, moves=4, unlike=True, seed=2)
    assert x.shape == (400, 36, 36, 1) and np.all(left != right)
    found = set()
    for image, first, second in zip(x, left, right, strict=True):
        upper = {(y, z) for y in range(5) for z in range(5) if matches(image, images, labels, first, y, z)}
        lower = {(y, z) for y in range(4, 9) for z in range(4, 9) if matches(image, images, labels, second, y, z)}
        assert upper and lower
        found |= upper
    assert len(found) == 25


def test_unlike_partners_are_uniform_among_the_other_classes():
    labels = np.array([0, 0, 0, 1, 2, 2])
    images = np.arange(6).reshape(6, 1, 1)
    x, left, right = overlay(images, labels, 30_000, shift=1, margin=0, unlike=True)
    drawn = x[:, 1, 1, 0]
    np.testing.assert_array_equal(labels[drawn], right)
    counts = np.bincount(drawn[left == 0], minlength=6)
    assert not counts[:3].any()
    np.testing.assert_allclose(counts[3:] / counts.sum(), 1 / 3, atol=0.02)
    assert set(drawn[left == 1]) == {0, 1, 2, 4, 5}


def test_channels_stay_and_the_seed_decides(base):
    images, labels = np.repeat(base[0][..., None], 3, axis=-1), base[1]
    first, again, other = (overlay(images, labels, 20, moves=2, seed=seed) for seed in (0, 0, 1))
    assert first[0].shape == (20, 36, 36, 3)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": np.zeros((2, 8))}, ValueError, "`images` must be"),
        ({"images": np.zeros((0, 8, 8)), "labels": []}, ValueError, "`images` must be"),
        ({"labels": np.zeros(3)}, ValueError, r"received \(2, 8, 8, 1\) and \(3,\)"),
        ({"images": np.full((2, 8, 8), -0.5)}, ValueError, "`images` must have pixels of at least 0, .* received -0.5"),
        ({"rows": 0}, ValueError, "`rows`"),
        ({"shift": -1}, ValueError, "`shift`"),
        ({"moves": 7}, ValueError, "`moves` must be a whole number at most 6"),
        ({"unlike": True}, ValueError, "two classes or more for unlike pairs; received the class 0 alone"),
        ({"seed": 0.5}, TypeError, "`seed`"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        overlay(**{"images": np.zeros((2, 8, 8)), "labels": np.zeros(2, int), "rows": 3, **arguments})
