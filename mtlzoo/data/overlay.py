"""`overlay`: two images in one, each with a label of its own."""

import numpy as np

from mtlzoo import checks


def overlay(
    images,
    labels,
    rows: int,
    *,
    shift: int = 6,
    margin: int = 2,
    moves: int = 0,
    unlike: bool = False,
    resize: bool = False,
    seed: int = 0,
):
    """Overlays pairs of images on larger canvases of zeros: one in the upper left, one in the lower right, the maximum where they meet.

    Args:
        images: [n, height, width] or [n, height, width, channels], any number dtype; no pixel is below 0, the canvas.
        labels: [n].
        rows: how many pairs. The left images go through all images in turn; the right one is drawn uniformly.
        shift: by how many pixels the right image lies lower and further right than the left one.
        margin: pixels left free below and to the right of the right image; a canvas is shift + margin larger than an image.
        moves: by how many pixels, at the most, each image is moved towards the other, drawn uniformly along either axis.
        unlike: whether the right image is drawn among those of other classes than the left one's.
        resize: whether a canvas is brought to the size of an image, each pixel taken from the nearest.
        seed: decides pairs and moves.

    Returns:
        (x [rows, height, width, channels] of the images' dtype, left labels [rows], right labels [rows]).

    Raises:
        ValueError, TypeError: no images, a class without a class beside it, or an argument out of range.

    Source: the compositions of Sener and Koltun (NeurIPS 2018), which are shift=6, margin=2 and resize=True on images of 28×28, and of
        Lin et al. (NeurIPS 2019), which are shift=8, margin=0, moves=4 and unlike=True.

    >>> x, left, right = overlay(np.ones((2, 28, 28), "uint8"), np.array([3, 5]), 4, resize=True)
    >>> x.shape, left.tolist()
    ((4, 28, 28, 1), [3, 5, 3, 5])
    """
    images, labels = np.asarray(images), np.asarray(labels)
    images = images[..., np.newaxis] if images.ndim == 3 else images
    if images.ndim != 4 or len(images) == 0 or labels.shape != (len(images),):
        raise ValueError(f"`images` must be [n, height, width] with labels [n]; received {images.shape} and {labels.shape}.")
    if images.size and not images.min() >= 0:
        raise ValueError(f"`images` must have pixels of at least 0, which is the canvas; received {images.min()}.")
    for argument, value in (("shift", shift), ("margin", margin), ("moves", moves)):
        checks.integer(argument, value, low=0)
    checks.integer("moves", moves, high=shift)
    left = np.arange(checks.integer("rows", rows, low=1)) % len(images)
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    right = _of_other_classes(labels, left, rng) if unlike else rng.integers(len(images), size=rows)
    side = shift + margin
    canvas = np.zeros((rows, images.shape[1] + side, images.shape[2] + side, images.shape[3]), images.dtype)
    if moves:
        moved = rng.integers(moves + 1, size=(2, 2, rows))
        _place(canvas, images, left, *moved[0])
        _place(canvas, images, right, *(shift - moved[1]))
    else:
        _place(canvas, images, left, *np.zeros((2, rows), int))
        _place(canvas, images, right, *np.full((2, rows), shift))
    return _nearest(canvas, images.shape[1:3]) if resize else canvas, labels[left], labels[right]


def _of_other_classes(labels, left, rng):
    """For each left image the place of another one, drawn uniformly among those of other classes."""
    order, kinds = np.argsort(labels, kind="stable"), labels[left]
    first, last = (np.searchsorted(labels[order], kinds, side=side) for side in ("left", "right"))
    others = len(labels) - (last - first)
    if not others.all():
        raise ValueError(f"`labels` must have two classes or more for unlike pairs; received the class {kinds[others == 0][0]} alone.")
    drawn = rng.integers(others)
    return order[np.where(drawn < first, drawn, drawn + last - first)]


def _place(canvas, images, chosen, top, edge):
    """Lays images on their canvases, by the maximum; those that go to the same place at once."""
    height, width = images.shape[1:3]
    for y, x in np.unique(np.stack([top, edge]), axis=1).T:
        rows = np.flatnonzero((top == y) & (edge == x))
        for some in np.array_split(rows, -(-len(rows) // 4096)):  # A few thousand at a time stay in the processor's cache.
            part = canvas[some, y : y + height, x : x + width]
            canvas[some, y : y + height, x : x + width] = np.maximum(part, images[chosen[some]])


def _nearest(canvas, size):
    """Each pixel of the smaller image from the one that its middle lies in."""
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, canvas.shape[1:3], strict=True))
    return canvas[:, rows[:, np.newaxis], columns]
