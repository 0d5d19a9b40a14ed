"""Batches from memory: an order of all rows an epoch, and one gather a batch."""

import tensorflow as tf

from mtlzoo import checks

plain = tf.autograph.experimental.do_not_convert


class Epochs:
    """Counts the epochs of a mixture: each iteration of the data set takes the next one.

    Args:
        draw: function from the epoch to what the graph needs of it, an int64 array.
    """

    def __init__(self, draw):
        self.draw, self.next = draw, 0

    def __call__(self):
        epoch, self.next = self.next, self.next + 1
        return self.draw(epoch)

    def dataset(self, shape):
        """Returns a data set of one element, what `draw` gave, int64 of the given shape."""
        drawn = plain(lambda _: tf.ensure_shape(tf.numpy_function(self, [], tf.int64), shape))
        return tf.data.Dataset.range(1).map(drawn)


def check_options(batch_size, shuffle, seed):
    """Checks what all mixtures share: whole batch size, seed, and shuffle (bool, or the rows of a buffer)."""
    checks.integer("batch_size", batch_size, low=1)
    checks.integer("seed", seed, low=0)
    if not isinstance(shuffle, bool):
        checks.integer("shuffle", shuffle, low=1)


def tensors(rows):
    """Returns rows as tensors in the main memory, wherever the model runs."""
    with tf.device("CPU:0"):
        return tf.nest.map_structure(tf.convert_to_tensor, (rows.x, rows.y, rows.weights))


def gather(table, indices):
    """Returns the rows of a table (nested tensors) at the indices."""
    return tf.nest.map_structure(lambda array: tf.gather(array, indices), table)


def batches(order, width, take, *, batch_size, drop_remainder):
    """Makes the batched data set of an order.

    Args:
        order: has `size` and `rows(epoch)` -> int64 [size] or [size, width].
        width: None or the width of the order.
        take: function from the indices of a batch, [b] or [b, width], to the batch.
        batch_size: b.
        drop_remainder: whether to leave out a last batch of fewer rows.

    Returns:
        `tf.data.Dataset` whose every iteration is the next epoch; `start_at` sets which.
    """
    size = order.size
    steps = size // batch_size if drop_remainder else -(-size // batch_size)
    if steps == 0:
        raise ValueError(f"`batch_size` {batch_size} is above the {size} rows of an epoch, and `drop_remainder` leaves none.")
    tail = () if width is None else (width,)
    epochs, whole = Epochs(order.rows), size // batch_size

    @plain
    def batches_of(drawn):
        indices = tf.data.Dataset.from_tensor_slices(tf.reshape(drawn[: whole * batch_size], (whole, batch_size, *tail)))
        return indices if whole == steps else indices.concatenate(tf.data.Dataset.from_tensors(drawn[whole * batch_size :]))

    @plain
    def load(indices):
        return take(tf.ensure_shape(indices, (batch_size if drop_remainder else None, *tail)))

    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False  # nothing to gain here, and 10 ms at the start of each epoch
    indices = epochs.dataset((size, *tail)).flat_map(batches_of).with_options(options)
    return finished(indices.map(load, num_parallel_calls=tf.data.AUTOTUNE), steps, epochs)


def finished(dataset, steps, epochs):
    """Returns a batched data set with its number of steps (None: not known), a prefetch and its counter of epochs."""
    if steps is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    dataset = dataset.prefetch(tf.data.AUTOTUNE)
    dataset.mtlzoo_epochs = epochs
    return dataset


def taking(rows, finish):
    """Returns the function from indices to a batch of these rows, its inputs normalised by `finish`."""
    table = tensors(rows)

    def take(indices):
        x, y, weights = gather(table, indices)
        return finish(x), y, weights

    return take


def check_no_cache(cache):
    """Raises `ValueError` if a cache is asked for data in memory."""
    if cache:
        raise ValueError("`cache` is for tf.data inputs; these arrays are in memory already.")
