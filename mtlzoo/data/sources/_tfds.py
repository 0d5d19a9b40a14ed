"""Finds, checks and reads TFDS image-classification data sets, prepared or downloaded, without ever changing what is there."""

import dataclasses
import difflib
import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from mtlzoo import checks
from mtlzoo.data._stream import PARALLEL
from mtlzoo.data.sources._registry import names as source_names

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_RECORD_OVERHEAD = 16


@dataclasses.dataclass(frozen=True)
class Images:
    """An image-classification data set of TFDS that is there and whole.

    Args:
        name: the TFDS name.
        builder: the TFDS builder, read-only.
        image: key of the image.
        label: key of the label.
        shape: shape of an image.
        dtype: its dtype.
        classes: number of classes.
    """

    name: str
    builder: object
    image: str
    label: str
    shape: tuple[int, ...]
    dtype: str
    classes: int

    def rows(self, split):
        """Returns the number of examples of a split."""
        return self.builder.info.splits[split].num_examples

    def slices(self, validation, limit=None):
        """Returns the rows of train, validation and test, each as (TFDS split, first, end).

        Args:
            validation: the share of train that is validation where there is no official one, the last rows of it.
            limit: None, or the most rows of each.
        """
        checks.number("validation", validation, low=0, high=0.5, strict=True)
        there = {split: info.num_examples for split, info in self.builder.info.splits.items()}
        end = there.get("train", 0)
        found = {split: (split, 0, there[split]) for split in ("validation", "test") if split in there}
        for split, fraction in (("test", 0.1), ("validation", validation)):
            if split not in found:
                first = end - round(fraction * there["train"]) if end else 0
                found[split], end = ("train", first, end), first
        found["train"] = ("train", 0, end)
        for split, (_, low, high) in found.items():
            if high <= low:
                raise ValueError(f"`data` {self.name!r} has no rows for {split!r}; it has the splits {there}.")
        return {name: (split, low, min(high, low + limit) if limit else high) for name, (split, low, high) in found.items()}

    def stream(self, split):
        """Returns an unbatched data set of (image, label) of a split or slice of one."""
        import tensorflow_datasets as tfds

        reading = tfds.ReadConfig(try_autocache=False, num_parallel_calls_for_decode=PARALLEL)
        dataset = self.builder.as_dataset(split=split, shuffle_files=False, read_config=reading)
        pick = tf.autograph.experimental.do_not_convert(lambda example: (example[self.image], example[self.label]))
        return dataset.map(pick, num_parallel_calls=PARALLEL)

    def arrays(self, split, rows):
        """Returns (images, labels) of a split or slice of `rows` examples, as arrays."""
        images, labels, done = np.empty((rows, *self.shape), self.dtype), np.empty(rows, "int64"), 0
        try:
            for image, label in self.stream(split).batch(1024).prefetch(2).as_numpy_iterator():
                images[done : done + len(label)], labels[done : done + len(label)] = image, label
                done += len(label)
        except (tf.errors.OpError, ValueError) as error:
            raise _half(self.name, self.builder.data_dir, f"reading {split!r} failed: {error}") from error
        if done != rows:
            raise _half(self.name, self.builder.data_dir, f"{split!r} has {done} examples, not {rows}")
        return images, labels


def opened(name, data_dir):
    """Returns `Images` of a TFDS name; downloads it only if nothing of it is there.

    Args:
        name: TFDS name, with "/config" where it has several.
        data_dir: an existing folder, or None for the TFDS default.

    Returns:
        `Images`.

    Raises:
        ValueError: the folder is missing, the data half-written, the prepare was interrupted, the name unknown, the download
            failed, or the data are no images of one shape with one class label each.
    """
    import tensorflow_datasets as tfds

    root = pathlib.Path(data_dir if data_dir is not None else tfds.core.constants.DATA_DIR).expanduser()
    if data_dir is not None and not root.is_dir():
        raise ValueError(f"`data_dir` must be an existing folder; received {str(data_dir)!r}.")
    folder = _prepared(root, name)
    builder = _downloaded(name, root) if folder is None else _from_folder(name, folder)
    _check_shards(name, builder)
    return _as_images(name, builder)


def _prepared(root, name):
    """The folder of the newest version, or None if nothing of the data set is there."""
    folder = root / name
    entries = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    versions = [entry for entry in entries if _VERSION.fullmatch(entry)]
    if versions:
        return folder / max(versions, key=lambda version: tuple(int(part) for part in version.split(".")))
    unfinished = [entry for entry in entries if "incomplete" in entry]
    if unfinished:
        raise _half(name, folder / unfinished[0], "its preparation was interrupted")
    return None


def _from_folder(name, folder):
    import tensorflow_datasets as tfds

    missing = [part for part in ("dataset_info.json", "features.json") if not (folder / part).is_file()]
    if missing:
        raise _half(name, folder, f"{missing[0]} is missing")
    try:
        return tfds.builder_from_directory(str(folder))
    except Exception as error:
        raise _half(name, folder, f"its description cannot be read: {error}") from error


def _downloaded(name, root):
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if name.split("/")[0] not in known:
        raise _unknown(name, root, known)
    try:
        builder = tfds.builder(name, data_dir=str(root))
        builder.download_and_prepare()
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"`data` {name!r} is not in {str(root)!r} and could not be downloaded: {reason}") from error
    return builder


def _check_shards(name, builder):
    """Every shard must be there and, for TFRecord files, all bytes of them."""
    import tensorflow_datasets as tfds

    for split, info in builder.info.splits.items():
        paths = [pathlib.Path(os.fspath(path)) for path in info.filepaths]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise _half(name, builder.data_dir, f"{missing[0]} is missing ({len(missing)} of {len(paths)} files of {split!r})")
        size, wanted = sum(path.stat().st_size for path in paths), int(info.num_bytes) + _RECORD_OVERHEAD * info.num_examples
        if builder.info.file_format == tfds.core.FileFormat.TFRECORD and info.num_bytes and size != wanted:
            raise _half(name, builder.data_dir, f"the files of {split!r} have {size} bytes, not {wanted}")


def _as_images(name, builder):
    import tensorflow_datasets as tfds

    features = dict(builder.info.features.items())
    keys = builder.info.supervised_keys or ()
    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    labels = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if not (len(keys) == 2 and keys[0] in images and keys[1] in labels):
        keys = [*images, *labels]
        if len(images) != 1 or len(labels) != 1:
            raise ValueError(f"`data` {name!r} must have one image and one class label; received features {sorted(features)}.")
    image, label = keys
    shape = features[image].shape
    if None in shape:
        raise ValueError(f"`data` {name!r} must have images of one shape; received {shape}. Resize them and use mtlzoo.data.mixed.")
    return Images(name, builder, image, label, tuple(shape), np.dtype(features[image].np_dtype).name, features[label].num_classes)


def _half(name, folder, reason):
    advice = "Nothing was changed; remove that folder to have the data prepared again."
    return ValueError(f"`data` {name!r} is half-written in {os.fspath(folder)!r}: {reason}. {advice}")


def _unknown(name, root, known):
    there = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    near = difflib.get_close_matches(name, sorted({*known, *there, *source_names()}), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return ValueError(f"`data` must name a source ({', '.join(source_names())}) or TFDS data sets; received {name!r}.{hint}")
