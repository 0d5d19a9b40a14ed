"""`load`: a source by its name, or TFDS image sets joined by "+"."""

import inspect

from mtlzoo import checks
from mtlzoo.data import sources
from mtlzoo.data.sources import Splits


def load(
    spec: str = "digits",
    data_dir: str | None = None,
    *,
    batch_size: int = 128,
    seed: int = 0,
    limit: int | None = None,
    encoder=None,
) -> Splits:
    """Loads a data set by name: tasks and a mixture for train, validation and test.

    Args:
        spec: a registered source ("digits"; see `mtlzoo.data.sources.names()`), or TFDS image-classification sets joined by "+",
            such as "mnist+fashion_mnist".
        data_dir: folder with the prepared data; None for embedded data and for the TFDS default folder.
        batch_size: rows a batch.
        seed: decides splits and order.
        limit: None, or the most rows of each split (of each TFDS set).
        encoder: for a source of a table, the `mtlzoo.data.TableEncoder` of a trained model, which is used instead of one fitted anew.

    Returns:
        `Splits`.

    Raises:
        ValueError, TypeError: unknown names (with the nearest), a missing or half-written folder and so on; an encoder for a source
            that is no table.

    Source: the specs of `mtlzoo train --data`.

    >>> [task.name for task in load("digits", limit=50).tasks]
    ['left', 'right', 'sum']
    """
    checks.instance("data", spec, str, "a source's name, or names joined by '+'")
    options = {"batch_size": batch_size, "seed": seed, "limit": limit}
    if encoder is not None:
        tables = [name for name in sources.names() if "encoder" in inspect.signature(sources.get(name)).parameters]
        if spec not in tables:
            raise ValueError(f"`encoder` is for the tables {', '.join(map(repr, tables))}; received data {spec!r} with one.")
        options["encoder"] = encoder
    if spec in sources.names():
        return sources.get(spec)(data_dir, **options)
    own = [name for name in spec.split("+") if name in sources.names()]
    if own:
        raise ValueError(
            f"`data` joins TFDS sets by '+'; {own[0]!r} is a source with tasks of its own and stands alone. Received {spec!r}."
        )
    return sources.from_tfds(spec, data_dir, **options)
