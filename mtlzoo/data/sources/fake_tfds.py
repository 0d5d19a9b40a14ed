"""`fake_tfds`: a small TFDS data set of made-up images, to try things without a download."""

import contextlib
import io
import pathlib

import numpy as np
import tensorflow as tf

from mtlzoo import checks


def fake_tfds(
    data_dir: str,
    name: str,
    *,
    shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    train: int = 200,
    test: int = 50,
    seed: int = 0,
) -> pathlib.Path:
    """Writes a data set in the format of TFDS: uint8 images with a bright row by class, and their class labels.

    Args:
        data_dir: folder that gets the data set as a folder `name`.
        name: name of the data set; it must not be there yet.
        shape: of an image, (height, width, channels), with height ≥ classes.
        classes: number of classes.
        train: examples of the split "train".
        test: examples of the split "test"; 0 for no such split.
        seed: decides the images.

    Returns:
        The folder of the version written.

    Raises:
        ValueError: the data set is there already, or an argument out of range.

    Source: `tfds.dataset_builders.store_as_tfds_dataset`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fake_tfds(folder, "mnist", train=4, test=2).name
    '1.0.0'
    """
    import tensorflow_datasets as tfds

    folder = pathlib.Path(data_dir) / name
    if folder.exists():
        raise ValueError(f"`name` {name!r} is in {str(data_dir)!r} already.")
    checks.integer("classes", classes, low=2, high=shape[0])
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    parts = {}
    for split, rows in (("train", train), ("test", test)):
        if rows:
            labels = rng.integers(classes, size=rows)
            images = rng.integers(100, size=(rows, *shape), dtype="uint8")
            images[np.arange(rows), labels] += 150
            parts[split] = tf.data.Dataset.from_tensor_slices({"image": images, "label": labels})
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=shape, dtype=np.uint8), "label": tfds.features.ClassLabel(num_classes=classes)}
    )
    described = {"name": name, "version": "1.0.0", "features": features, "description": "Made up."}
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        tfds.dataset_builders.store_as_tfds_dataset(**described, split_datasets=parts, data_dir=str(data_dir), disable_shuffling=True)
    return folder / "1.0.0"
