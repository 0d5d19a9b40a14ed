"""`multi_fashion`: two images of Fashion-MNIST in one."""

from mtlzoo.data.sources._overlaid import overlaid
from mtlzoo.data.sources._registry import Splits, register


@register
def multi_fashion(
    data_dir: str | None = None,
    *,
    composition: str = "sener_koltun",
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
) -> Splits:
    """Two overlaid articles of clothing (Fashion-MNIST): tasks `left` and `right` of 10 classes, the left image in the upper left.

    The last tenth of the training images is validation, and splits are made before images are paired, so that none is in two.

    Composed in this call, in memory (45 MiB, or 148 MiB for "lin", of uint8). The first 16 digits of the SHA-256 over the bytes of images,
    left labels and right labels (int64), for seed 0:

    | composition | train | validation | test |
    |---|---|---|---|
    | sener_koltun | 2f67937c20d1d263 | ad3a3c5a07a691bc | 1fc75fc51b976e7a |
    | lin | 0a518afccadb5fb4 | 1bed61e9867584b7 | f0eb35066162cd1b |

    Args:
        data_dir: folder of prepared TFDS data with `fashion_mnist`, or None for the TFDS default (~/tensorflow_datasets).
        composition: "sener_koltun": a canvas of 36×36 with the right image 6 pixels lower and further right, brought to 28×28; the
            partner may be of any class; as many pairs as images. "lin": 36×36, partners of different classes in opposite corners, each
            moved by up to 4 pixels towards the other; two pairs an image. The larger value wins where images meet.
        batch_size: rows a batch.
        seed: decides the pairs and the order.
        limit: None, or the most rows of each split; no more images than that are read.

    Returns:
        `Splits`; x float32 [b, 28, 28, 1], or [b, 36, 36, 1] for "lin", in [0, 1].

    Raises:
        ValueError, TypeError: a missing folder, half-written data, an unknown composition, or an argument out of range.

    Source: Xiao, Rasul and Vollgraf 2017 (Fashion-MNIST); composed after Sener and Koltun (NeurIPS 2018) or Lin et al. (NeurIPS 2019).

    >>> import tempfile
    >>> from mtlzoo.data.sources import fake_tfds
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fake_tfds(folder, "fashion_mnist", train=40, test=10)
    ...     splits = multi_fashion(folder, composition="lin")
    >>> splits.inputs, splits.sizes
    ((36, 36, 1), {'train': 72, 'validation': 8, 'test': 20})
    """
    return overlaid("fashion_mnist", data_dir, composition, batch_size=batch_size, seed=seed, limit=limit)
