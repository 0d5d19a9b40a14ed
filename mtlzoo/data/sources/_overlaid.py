"""What sources of overlaid images have in common: images of a TFDS set, two in one, and a label for each."""

from mtlzoo import checks, seeds
from mtlzoo.data.aligned import aligned
from mtlzoo.data.overlay import overlay
from mtlzoo.data.sources import _tfds
from mtlzoo.data.sources._registry import Splits
from mtlzoo.task import Task

# Pairs for each image of the set, and how they are laid.
COMPOSITIONS = {
    "sener_koltun": (1, {"shift": 6, "margin": 2, "resize": True}),
    "lin": (2, {"shift": 8, "margin": 0, "moves": 4, "unlike": True}),
}
VALIDATION = 0.1


def arrays(name, data_dir, composition, *, seed=0, limit=None):
    """Returns (images, left labels, right labels) by split, and the number of classes.

    Args:
        name: the TFDS set.
        data_dir: folder of prepared data, or None for the TFDS default.
        composition: one of `COMPOSITIONS`.
        seed: decides the pairs.
        limit: None, or the most rows of each split; no more images than that are read.

    Returns:
        A pair: a dict of arrays, and the number of classes.
    """
    each, laid = COMPOSITIONS[checks.one_of("composition", composition, COMPOSITIONS)]
    if limit is not None:
        checks.integer("limit", limit, low=1)
    checks.integer("seed", seed, low=0)
    one, made = _tfds.opened(name, data_dir), {}
    for part, (split, low, high) in one.slices(VALIDATION, limit).items():
        images, labels = one.arrays(f"{split}[{low}:{high}]", high - low)
        rows = min(each * len(labels), limit or each * len(labels))
        made[part] = overlay(images, labels, rows, seed=seeds.derive(seed, composition, part), **laid)
    return made, one.classes


def overlaid(name, data_dir, composition, *, batch_size, seed, limit):
    """Returns the `Splits` of a source of overlaid images, with the tasks `left` and `right`; arguments as in `arrays`."""
    made, classes = arrays(name, data_dir, composition, seed=seed, limit=limit)
    tasks = (Task.multiclass("left", classes), Task.multiclass("right", classes))
    mixtures = {}
    for part in ("train", "validation", "test"):
        x, left, right = made[part]
        options = {"batch_size": batch_size, "seed": seed, "shuffle": part == "train", "normalize": "unit"}
        mixtures[part] = aligned((x, {"left": left, "right": right}), tasks, **options)
    sizes = {part: len(made[part][0]) for part in mixtures}
    info = f"TensorFlow Datasets: {name}, two in one image as {composition}"
    return Splits(tasks=tasks, inputs=made["train"][0].shape[1:], sizes=sizes, info=info, **mixtures)
