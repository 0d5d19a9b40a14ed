"""`from_tfds`: any image-classification sets of TensorFlow Datasets merged, one task each."""

import re
from collections.abc import Mapping

import numpy as np

from mtlzoo import checks
from mtlzoo.data.mixed import mixed
from mtlzoo.data.sources import _tfds
from mtlzoo.data.sources._registry import Splits
from mtlzoo.task import Task

MEMORY = 2 * 2**30


def from_tfds(
    spec: str,
    data_dir: str | None = None,
    *,
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
    validation: float | Mapping[str, float] = 0.1,
    sampling="size",
    in_memory: bool | None = None,
) -> Splits:
    """Merges image-classification sets of TFDS: each is a task named as the set, and an image has the label of its own set only.

    The test is the official one. Validation is the official one too, or the last part of train; a set without an official
    test gives the last tenth of train as test. Sets that are not there are downloaded if there is a network.

    Args:
        spec: TFDS names joined by "+", such as "mnist+fashion_mnist"; all of one image shape. One name gives one task.
        data_dir: folder of prepared TFDS data, or None for the TFDS default (~/tensorflow_datasets).
        batch_size: rows a batch, of all sets together.
        seed: decides the order.
        limit: None, or the most rows of each set in each split.
        validation: fraction of train for validation, above 0 and below 0.5; or a dict of them by set.
        sampling: as in `mtlzoo.data.mixed`, for train.
        in_memory: None to hold the images in memory if they take less than 2 GiB, else stream them; True or False to say so.

    Returns:
        `Splits`; x float32 [b, height, width, channels] in [0, 1].

    Raises:
        ValueError, TypeError: unlike image shapes, unknown names, a missing folder, half-written data and so on, before training.

    Source: TensorFlow Datasets (tensorflow.org/datasets).

    >>> import tempfile
    >>> from mtlzoo.data.sources import fake_tfds
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("mnist", "fashion_mnist"):
    ...         _ = fake_tfds(folder, name, train=20, test=5)
    ...     from_tfds("mnist+fashion_mnist", folder).sizes
    {'train': 36, 'validation': 4, 'test': 10}
    """
    names = checks.instance("spec", spec, str, "names joined by '+'").split("+")
    if not all(names) or len(set(names)) < len(names):
        raise ValueError(f"`data` must be unlike names joined by '+'; received {spec!r}.")
    if limit is not None:
        checks.integer("limit", limit, low=1)
    if isinstance(validation, Mapping):
        checks.exact_keys("validation", validation, names)
    fractions = validation if isinstance(validation, Mapping) else dict.fromkeys(names, validation)
    sets = [_tfds.opened(name, data_dir) for name in names]
    for one in sets[1:]:
        if (one.shape, one.dtype) != (sets[0].shape, sets[0].dtype):
            pair = f"{sets[0].shape} {sets[0].dtype} in {sets[0].name!r} and {one.shape} {one.dtype} in {one.name!r}"
            raise ValueError(f"`data` must have images of one shape and dtype; received {pair}.")
    tasks = tuple(Task.multiclass(re.sub(r"\W", "_", one.name), one.classes) for one in sets)
    slices = [one.slices(fractions[one.name], limit) for one in sets]
    size = (
        sum(high - low for part in slices for _, low, high in part.values())
        * int(np.prod(sets[0].shape))
        * np.dtype(sets[0].dtype).itemsize
    )
    read = _in_memory if (size < MEMORY if in_memory is None else in_memory) else _streamed
    mixtures, sizes = {}, {}
    for split in ("train", "validation", "test"):
        data = {task.name: read(one, *part[split]) for task, one, part in zip(tasks, sets, slices, strict=True)}
        sizes[split] = sum(part[split][2] - part[split][1] for part in slices)
        chosen = {"sampling": sampling, "shuffle": True} if split == "train" else {"shuffle": False}
        mixtures[split] = mixed(data, tasks, batch_size=batch_size, seed=seed, normalize="unit", **chosen)
    return Splits(tasks=tasks, inputs=sets[0].shape, sizes=sizes, info=f"TensorFlow Datasets: {', '.join(names)}", **mixtures)


def _in_memory(one, split, low, high):
    return one.arrays(f"{split}[{low}:{high}]", high - low)


def _streamed(one, split, low, high):
    return one.stream(f"{split}[{low}:{high}]")
