"""Which run of a network is being built, where one network runs on the inputs of several tasks in turn."""

import contextlib

from mtlzoo import checks

_CURRENT = []


@contextlib.contextmanager
def run(index, count):
    """Lets the layers that are called inside know that theirs is one of several runs.

    Layers that keep something of what they read, such as statistics, take the number of the run as an argument of their call: it is saved
    with the network's graph.

    Args:
        index: number of the run, from 0.
        count: how many runs there are.

    Returns:
        A context manager.

    Raises:
        ValueError: the number is not one of so many runs.

    Source: batch statistics of each domain, as in Chang et al., "Domain-specific batch normalization for unsupervised
    domain adaptation", CVPR 2019.

    >>> import keras
    >>> from mtlzoo.layers import StackedBatchNormalization
    >>> norm, inputs = StackedBatchNormalization(keras.layers.BatchNormalization(), 3), [keras.Input((3, 4)) for _ in range(2)]
    >>> for index, x in enumerate(inputs):
    ...     with run(index, 2):
    ...         _ = norm(x)
    >>> tuple(norm.moving_mean.shape)
    (3, 2, 4)
    """
    checks.integer("index", index, low=0, high=count - 1)
    _CURRENT.append((index, count))
    try:
        yield
    finally:
        _CURRENT.pop()


class OfRuns:
    """Keras layers whose `call` takes a `run`: the number of the run in which they were called.

    `runs` is how many there are, known before the layer is built, and to be saved in its configuration.

    Source: the house's own.

    >>> OfRuns.runs
    1
    """

    runs = 1

    def __call__(self, *args, **kwargs):
        """Calls the layer, in the run that is being built."""
        if _CURRENT and "run" not in kwargs:
            index, count = _CURRENT[-1]
            if not self.built:
                self.runs = count
            kwargs["run"] = index
        return super().__call__(*args, **kwargs)
