"""`multi_mnist`: two images of MNIST in one."""

from mtlzoo.data.sources._overlaid import overlaid
from mtlzoo.data.sources._registry import Splits, register


@register
def multi_mnist(
    data_dir: str | None = None,
    *,
    composition: str = "sener_koltun",
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
) -> Splits:
    """Two overlaid handwritten digits (MNIST): tasks `left` and `right` of 10 classes, the left image in the upper left.

    The last tenth of the training images is validation, and splits are made before images are paired, so that none is in two.

    Args:
        data_dir: folder of prepared TFDS data with `mnist`, or None for the TFDS default (~/tensorflow_datasets).
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

    Source: LeCun, Cortes and Burges 1998 (MNIST); composed after Sener and Koltun (NeurIPS 2018) or Lin et al. (NeurIPS 2019).

    >>> import tempfile
    >>> from mtlzoo.data.sources import fake_tfds
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fake_tfds(folder, "mnist", train=40, test=10)
    ...     splits = multi_mnist(folder, composition="lin")
    >>> splits.inputs, splits.sizes
    ((36, 36, 1), {'train': 72, 'validation': 8, 'test': 20})
    """
    return overlaid("mnist", data_dir, composition, batch_size=batch_size, seed=seed, limit=limit)
