"""`with_preference`: data whose inputs say which preference among the tasks a model is to serve."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from mtlzoo import checks

KEY = "preference"


def with_preference(data: tf.data.Dataset, preference) -> tf.data.Dataset:
    """Adds the input `preference` to every batch, so that a model of `train_front` serves that preference.

    Args:
        data: batches x, (x, y) or (x, y, weight); x is one tensor, which gets the name `input`, or a dict of them.
        preference: one share a task, in the order of `model.tasks`, at least 0 and not all 0; scaled to sum to one.

    Returns:
        A `tf.data.Dataset` of the same batches with x = {..., "preference": [batch, T]}, float32.

    Raises:
        ValueError, TypeError: the preference is no row of shares, or `data` no dataset.

    Source: Ruchte and Grabocka, ICDM 2021, where the preference is an input of the network.

    >>> data = tf.data.Dataset.from_tensor_slices([[1.0], [2.0]]).batch(2)
    >>> [x["preference"].numpy().tolist() for x in with_preference(data, [1, 3])]
    [[[0.25, 0.75], [0.25, 0.75]]]
    """
    checks.instance("data", data, tf.data.Dataset, "a tf.data.Dataset of batches")
    shares = np.asarray(preference, "float64")
    if shares.ndim != 1 or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() <= 0:
        raise ValueError(f"`preference` must be a row of shares, at least 0 and not all 0; received {preference!r}.")
    row = tf.constant(shares / shares.sum(), "float32")
    return data.map(lambda *batch: _told(batch, row))


def with_drawn_preferences(data: tf.data.Dataset, tasks: int, concentration: float, seed: int) -> tf.data.Dataset:
    """Adds a preference drawn from a symmetric Dirichlet distribution to every batch, a new one each time.

    Args:
        data: batches (x, y) or (x, y, weight).
        tasks: T, the length of a preference.
        concentration: of the distribution; 1 draws evenly from the simplex, more keeps to its middle.
        seed: decides what is drawn.

    Returns:
        A `tf.data.Dataset`, whose epochs `mtlzoo.data.start_at` sets if it did those of `data`.
    """
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2, drop_remainder=True)

    def told(batch, pair):
        drawn = tf.random.stateless_gamma([tasks], seed=pair, alpha=concentration) + 1e-6
        return _told(batch, drawn / tf.reduce_sum(drawn))

    made = tf.data.Dataset.zip(data, draws).map(told).prefetch(tf.data.AUTOTUNE)
    if data.cardinality() > 0:
        made = made.apply(tf.data.experimental.assert_cardinality(data.cardinality()))
    if hasattr(data, "mtlzoo_epochs"):
        made.mtlzoo_epochs = data.mtlzoo_epochs
    return made


def _told(batch, row):
    x, *rest = batch
    x = dict(x) if isinstance(x, Mapping) else {"input": x}
    x[KEY] = tf.repeat(row[tf.newaxis], tf.shape(next(iter(x.values())))[0], axis=0)
    return (x, *rest) if rest else x
