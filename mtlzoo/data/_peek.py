"""Looking into a mixture without using up an epoch."""

import tensorflow as tf

from mtlzoo import checks


def peeked(mixture):
    """Yields the batches of the mixture's next epoch as arrays, and sets its counter of epochs back afterwards."""
    checks.instance("mixture", mixture, tf.data.Dataset, "a tf.data.Dataset")
    spec = mixture.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 3 and isinstance(spec[1], dict) and isinstance(spec[2], dict)):
        raise ValueError(f"`mixture` must have elements (x, {{task: y}}, {{task: weight}}); received {spec}.")
    epochs = getattr(mixture, "mtlzoo_epochs", None)
    before = epochs.next if epochs else None
    try:
        yield from mixture.as_numpy_iterator()
    finally:
        if epochs:
            epochs.next = before
