"""`digits`: scikit-learn's embedded digits, two overlaid in one image; no download."""

import numpy as np

from mtlzoo import checks
from mtlzoo.data.aligned import aligned
from mtlzoo.data.overlay import overlay
from mtlzoo.data.sources._registry import Splits, register
from mtlzoo.data.split import split
from mtlzoo.task import Task

SIZES = {"train": 12_000, "validation": 1_500, "test": 1_500}
FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}
SHIFT = 4


@register
def digits(data_dir: str | None = None, *, batch_size: int = 128, seed: int = 0, limit: int | None = None) -> Splits:
    """Two overlaid handwritten digits: tasks `left`, `right` (10 classes) and `sum` (regression); embedded, no download.

    The 1,797 images are split into train, validation and test before they are paired, so no image is in two splits. The
    alpha of `sum` is ln 10 / 16.5 = 0.14: a model that knows only the frequencies has a cross-entropy of ln 10 on a digit
    and a squared error of 16.5 (the variance of the sum of two uniform digits), so that all three losses start alike.

    Args:
        data_dir: not needed, since the data is embedded; must be None.
        batch_size: rows a batch.
        seed: decides the split, the pairs and the order.
        limit: None, or the most rows of each split.

    Returns:
        `Splits` of 12,000 / 1,500 / 1,500 rows; x float32 [b, 12, 12, 1] in [0, 1].

    Raises:
        ValueError, TypeError: an argument out of range.

    Source: Alpaydin and Kaynak 1998 (UCI optical digits, the part in scikit-learn); composed after Sener and Koltun 2018.

    >>> digits(limit=60).tasks[2].name
    'sum'
    """
    from sklearn.datasets import load_digits

    if data_dir is not None:
        raise ValueError(f"`data_dir` must be None for 'digits', which is embedded; received {str(data_dir)!r}.")
    if limit is not None:
        checks.integer("limit", limit, low=1)
    base = load_digits()
    images = np.round(base.images * (255 / 16)).astype("uint8")
    tasks = (Task.multiclass("left", 10), Task.multiclass("right", 10), Task.regression("sum", alpha=0.14))
    mixtures, sizes = {}, {}
    for number, (name, part) in enumerate(split((images, base.target), FRACTIONS, seed=seed).items()):
        sizes[name] = min(SIZES[name], limit or SIZES[name])
        x, left, right = overlay(*part, sizes[name], shift=SHIFT, margin=0, seed=seed + number)
        labels = {"left": left, "right": right, "sum": (left + right).astype("float32")}
        options = {"batch_size": batch_size, "seed": seed, "shuffle": name == "train", "normalize": "unit"}
        mixtures[name] = aligned((x, labels), tasks, **options)
    return Splits(tasks=tasks, inputs=(12, 12, 1), sizes=sizes, info="scikit-learn's digits, two in one image", **mixtures)
