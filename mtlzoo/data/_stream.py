"""Batches from `tf.data.Dataset`s: encode, cache, shuffle through a buffer, choose, batch, normalise, prefetch."""

import os

import numpy as np
import tensorflow as tf

from mtlzoo.data import _feed, _labels, _rows
from mtlzoo.data._feed import plain

BUFFER = 10_000
CHUNK = 64
# A number: AUTOTUNE stays too low for data sets read within an epoch's flat_map (measured 0.8 against 1.0 of plain reading).
PARALLEL = 2 * (os.cpu_count() or 1)


def encoded(name, data, tasks, ignore):
    """Returns an unbatched data set of (x, {task: y}, {task: weight}) and the specs of its inputs, after checking all specs.

    Args:
        name: the data set's name, for messages; the task's name if the labels are no dict.
        data: unbatched `tf.data.Dataset` of (x, y) or (x, {task: y}), or rows in memory as in `_rows.read`.
        tasks: all tasks.
        ignore: the label that means missing, or None.

    Returns:
        (data set, specs, names of the tasks that it labels).

    Raises:
        ValueError, TypeError: elements that are no pairs, inputs or labels of unknown or wrong shape, unknown tasks, no rows.
    """
    if not _rows.is_stream(data):
        rows = _rows.read(name, data, tasks, ignore)
        labelled = {task for task, weights in rows.weights.items() if weights.any()}
        return tf.data.Dataset.from_tensor_slices((rows.x, rows.y, rows.weights)), _rows.specs(rows.x), labelled
    where = f"`data` of {name!r}"
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise TypeError(f"{where} must have elements (inputs, labels); received {spec}.")
    inputs, labels = spec[0], _rows.named_labels(name, spec[1], tasks)
    for part in tf.nest.flatten(inputs):
        if not isinstance(part, tf.TensorSpec) or not part.shape.is_fully_defined():
            raise ValueError(f"{where} must be unbatched, with inputs of one known shape; received {part}. Unbatch or resize first.")
    if int(data.cardinality()) == 0:
        raise ValueError(f"{where} must not be empty; received a data set of no elements.")
    by_name = {task.name: task for task in tasks}
    for task, label in labels.items():
        _labels.check_label_spec(by_name[task], label, where)

    @plain
    def encode(x, given):
        given, rows = given if isinstance(given, dict) else {name: given}, tf.shape(tf.nest.flatten(x)[0])[0]
        both = {task.name: _labels.encode_tensor(task, given.get(task.name), rows, ignore) for task in tasks}
        return x, {task: label for task, (label, _) in both.items()}, {task: weight for task, (_, weight) in both.items()}

    # A map costs the same for 64 examples as for one, and far more than cutting them apart again.
    read = data.batch(CHUNK).map(encode, num_parallel_calls=PARALLEL).unbatch()
    if int(data.cardinality()) != tf.data.UNKNOWN_CARDINALITY:
        read = read.apply(tf.data.experimental.assert_cardinality(int(data.cardinality())))
    return read, inputs, set(labels)


def joined(name, entry, tasks, *, ignore, cache):
    """Returns `encoded` of an entry that may be a list of data sets, one after the other; held in memory if `cache`."""
    parts = [encoded(name, part, tasks, ignore) for part in _rows.as_parts(name, entry)]
    _rows.check_same_inputs([(name, spec) for _, spec, _ in parts])
    dataset = parts[0][0]
    for other, _, _ in parts[1:]:
        dataset = dataset.concatenate(other)
    return cached(dataset) if cache else dataset, parts[0][1], set().union(*(names for _, _, names in parts))


def cached(dataset):
    """Returns the data set held in memory, read once to its end now: a shuffle or a choice may stop short of it later."""
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`cache` needs a data set that ends; received an endless one.")
    dataset = dataset.cache()
    rows = dataset.reduce(np.int64(0), plain(lambda count, *_: count + 1))
    return dataset.apply(tf.data.experimental.assert_cardinality(int(rows)))


def size_of(name, dataset):
    """Returns the number of rows of a data set, which must be known."""
    size = int(dataset.cardinality())
    if size < 0:
        raise ValueError(
            f"`data` of {name!r} has {'endless' if size == -1 else 'an unknown number of'} rows; "
            "apply tf.data.experimental.assert_cardinality(n) to say how many."
        )
    return size


def shuffled(dataset, index, epoch, *, seed, shuffle):
    """Returns the data set shuffled through a buffer, by the seed and the epoch; reshuffled at each repetition within an epoch."""
    if shuffle is False:
        return dataset
    # Traced into a function, this fixes that graph's seed alone: the order must not hang on tf.random.set_seed, and
    # TensorFlow cannot compare a tensor seed under a global seed of 0.
    tf.compat.v1.set_random_seed(1)
    key = tf.random.experimental.stateless_fold_in(tf.constant([seed, index], "int64"), epoch)
    pair = tf.random.stateless_uniform([1], key, minval=0, maxval=2**62, dtype="int64")
    return dataset.shuffle(BUFFER if shuffle is True else shuffle, seed=pair[0], reshuffle_each_iteration=True)


def finite(x):
    """Returns the inputs of a batch, with an error in the graph if they are NaN or infinite."""
    check = lambda part: tf.debugging.check_numerics(part, "`data` must have finite inputs") if part.dtype.is_floating else part  # noqa: E731
    return tf.nest.map_structure(check, x)


def mixed_batches(parts, sizes, order, finish, *, batch_size, shuffle, seed, drop_remainder):
    """Makes the batched data set of a mixture of streams.

    Args:
        parts: unbatched data sets of one element spec, as of `encoded`.
        sizes: rows of each, or None for a single one of unknown size.
        order: `MixedOrder` that says which data set each draw is from; None for a single data set.
        finish: function that normalises the inputs of a batch.
        batch_size: rows a batch.
        shuffle: False, True (a buffer of 10,000 rows a data set) or the rows of that buffer.
        seed: decides everything.
        drop_remainder: whether to leave out a last batch of fewer rows.

    Returns:
        `tf.data.Dataset` whose every iteration is the next epoch.
    """
    repeat = order is not None and order.sampling is not None
    epochs = _feed.Epochs(lambda epoch: _with_epoch(epoch, order.choices(epoch) if order else ()))

    @plain
    def epoch_of(drawn):
        epoch, choices = drawn[0], drawn[1:]
        ready = [shuffled(part, index, epoch, seed=seed, shuffle=shuffle) for index, part in enumerate(parts)]
        if order is None:
            return ready[0]
        ready = [part.repeat() for part in ready] if repeat else ready
        return tf.data.Dataset.choose_from_datasets(ready, tf.data.Dataset.from_tensor_slices(choices), stop_on_empty_dataset=False)

    dataset = epochs.dataset((None,)).flat_map(epoch_of).batch(batch_size, drop_remainder=drop_remainder)
    dataset = dataset.map(plain(lambda x, y, weights: (finish(finite(x)), y, weights)), num_parallel_calls=PARALLEL)
    rows = order.size if order is not None else sizes[0] if sizes else None
    steps = None if rows is None else rows // batch_size if drop_remainder else -(-rows // batch_size)
    return _feed.finished(dataset, steps, epochs)


def paired_batches(parts, size, combine, *, batch_size, shuffle, seed, drop_remainder):
    """Makes the batched data set of paired streams.

    Args:
        parts: unbatched data sets, as of `encoded`.
        size: rows of each data set in an epoch.
        combine: function from the tuple of the data sets' batches to one batch.
        batch_size: rows of each data set in a batch.
        shuffle: as in `mixed_batches`.
        seed: decides everything.
        drop_remainder: whether to leave out a last batch of fewer rows.

    Returns:
        `tf.data.Dataset` whose every iteration is the next epoch.
    """
    epochs = _feed.Epochs(lambda epoch: _with_epoch(epoch, ()))

    @plain
    def epoch_of(drawn):
        ready = [shuffled(part, index, drawn[0], seed=seed, shuffle=shuffle).repeat() for index, part in enumerate(parts)]
        return tf.data.Dataset.zip(tuple(part.take(size).batch(batch_size, drop_remainder=drop_remainder) for part in ready))

    @plain
    def combined(*groups):
        return combine([(finite(x), y, weights) for x, y, weights in groups])

    dataset = epochs.dataset((None,)).flat_map(epoch_of).map(combined, num_parallel_calls=PARALLEL)
    return _feed.finished(dataset, size // batch_size if drop_remainder else -(-size // batch_size), epochs)


def _with_epoch(epoch, choices):
    return np.concatenate([[epoch], choices]).astype("int64")
