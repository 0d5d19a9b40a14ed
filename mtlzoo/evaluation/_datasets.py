"""How data sets that a model is judged on are read and checked."""

import tensorflow as tf

from mtlzoo import checks


def as_dataset(argument, dataset):
    """Returns a finite `tf.data.Dataset` of batches for one, or for a tuple of arrays."""
    if isinstance(dataset, tuple):
        dataset = tf.data.Dataset.from_tensor_slices(dataset).batch(256)
    checks.instance(argument, dataset, tf.data.Dataset, "a tf.data.Dataset of batches, or a tuple (x, y) or (x, y, weights)")
    size = dataset.cardinality()
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(f"`{argument}` must be finite; received one without an end. Take a number of batches with dataset.take(n).")
    if size == 0:
        raise ValueError(f"`{argument}` must hold at least one batch; received none.")
    return dataset


def labels_of(argument, dataset, batch_size=8192):
    """Returns the data set of batches (y,) or (y, weights), large ones, without the inputs."""
    data = as_dataset(argument, dataset)
    if not isinstance(data.element_spec, tuple) or len(data.element_spec) not in (2, 3):
        raise ValueError(f"`{argument}` must give (x, y) or (x, y, weights); received {data.element_spec}.")
    return data.map(lambda x, *labels: labels).rebatch(batch_size)
