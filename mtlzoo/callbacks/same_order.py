"""`SameOrder`: an epoch's order of rows follows from its number, whatever was read of the data before."""

import keras

from mtlzoo.data import start_at


class SameOrder(keras.callbacks.Callback):
    """Gives every training the same order of rows in its epochs, so that trainings on one mixture can be compared, or gone on with.

    A mixture of `mtlzoo.data` goes on to its next order each time that it is read; with this callback epoch e has the order of e.

    Args:
        *mixtures: what `fit` reads, for training and validation. What is no mixture of `mtlzoo.data` (arrays, None) is left alone.

    Source: the house's rule that one seed decides; see `mtlzoo.data.start_at`.

    >>> import numpy as np
    >>> from mtlzoo import Task, architectures
    >>> from mtlzoo.data import aligned
    >>> tasks = [Task.regression("a")]
    >>> train = aligned((np.arange(8.0).reshape(8, 1), {"a": np.arange(8.0)}), tasks, batch_size=4, seed=0)
    >>> models = [architectures.single_task((1,), tasks, seed=0) for _ in range(2)]
    >>> losses = [model.fit(train, epochs=2, verbose=0, callbacks=[SameOrder(train)]).history["loss"] for model in models]
    >>> losses[0] == losses[1]
    True
    """

    def __init__(self, *mixtures):
        super().__init__()
        self.mixtures = [mixture for mixture in mixtures if getattr(mixture, "mtlzoo_epochs", None) is not None]

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the order of the epoch."""
        for mixture in self.mixtures:
            start_at(mixture, epoch)
