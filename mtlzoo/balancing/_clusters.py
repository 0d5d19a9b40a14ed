"""Exact k-means on a line, by dynamic programming over the sorted values."""

from keras import ops


def means(values, counts, groups):
    """Replaces each value by the mean of its group, for the grouping with the least sum of squared deviations.

    Args:
        values: [T], float64, at least 0.
        counts: [T] bool, the values to group.
        groups: the greatest number of groups, an int.

    Returns:
        [T], the means; 0 where `counts` is False.

    Source: Wang and Song, "Ckmeans.1d.dp", The R Journal 2011: optimal groups are runs of the sorted values.
    """
    size = values.shape[0]
    order = ops.argsort(ops.where(counts, values, float("inf")))
    ranked = ops.take(ops.where(counts, values, 0.0), order)
    number = ops.sum(ops.cast(counts, "int32"))
    run_means, costs = _runs(ranked, size)
    starts, least = [], costs[0]
    for _ in range(groups - 1):
        before = ops.concatenate([ops.zeros(1, dtype="float64"), least[:-1]])
        options = ops.expand_dims(before, 1) + costs
        starts.append(ops.argmin(options, axis=0))
        least = ops.min(options, axis=0)
    places, last = ops.arange(size), ops.maximum(number - 1, 0)
    found, unfinished = ops.zeros(size, dtype="float64"), number > 0
    for start in [*reversed(starts), ops.zeros(size, dtype="int32")]:
        first = ops.cast(ops.take(start, last), "int32")
        inside = ops.logical_and(ops.logical_and(places >= first, places <= last), unfinished)
        found = ops.where(inside, ops.take(ops.take(run_means, first, axis=0), last), found)
        unfinished, last = ops.logical_and(unfinished, first > 0), ops.maximum(first - 1, 0)
    return ops.take(found, ops.argsort(order))


def _runs(ranked, size):
    """Returns the means [T, T] and sums of squared deviations [T, T] of the runs from i to j; infinite for i > j."""
    places = ops.arange(size)
    sums = ops.concatenate([ops.zeros(1, dtype="float64"), ops.cumsum(ranked)])
    lengths = ops.cast(places[None, :] - places[:, None] + 1, "float64")
    run_means = (sums[None, 1:] - sums[:-1, None]) / ops.maximum(lengths, 1.0)
    inside = ops.logical_and(places[:, None, None] <= places, places <= places[None, :, None])
    deviations = ops.where(inside, ranked - run_means[:, :, None], 0.0)
    return run_means, ops.where(lengths > 0, ops.sum(deviations**2, axis=-1), float("inf"))
