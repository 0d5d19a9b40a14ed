"""`start_at`: sets which epoch a mixture gives next."""

import tensorflow as tf

from mtlzoo import checks


def start_at(mixture: tf.data.Dataset, epoch: int) -> tf.data.Dataset:
    """Sets the epoch that the next iteration of a mixture gives, so that a resumed run sees what the first would have seen.

    Every iteration takes the next epoch, and Keras may look at a batch before it trains. For an order that does not
    depend on that, give `fit` the callback `mtlzoo.callbacks.SameOrder(train)`, which sets it in each epoch.

    Args:
        mixture: what `aligned`, `mixed` or `paired` returned (not what `map` and the like made of it).
        epoch: the epoch, from 0.

    Returns:
        The mixture itself.

    Raises:
        ValueError, TypeError: no mixture, or an epoch below 0.

    Source: rule 10 of the house: a resumed run ends as the run that was not killed.

    >>> import numpy as np
    >>> from mtlzoo import Task
    >>> from mtlzoo.data.aligned import aligned
    >>> mixture = aligned((np.arange(6), {"odd": np.arange(6) % 2}), [Task.binary("odd")], batch_size=6)
    >>> first, second = [x.numpy().tolist() for _ in range(2) for x, _, _ in mixture]
    >>> [x.numpy().tolist() for x, _, _ in start_at(mixture, 1)] == [second]
    True
    """
    epochs = getattr(mixture, "mtlzoo_epochs", None)
    if epochs is None:
        raise ValueError(f"`mixture` must be what aligned, mixed or paired returned, unchanged; received {type(mixture).__name__}.")
    epochs.next = checks.integer("epoch", epoch, low=0)
    return mixture
