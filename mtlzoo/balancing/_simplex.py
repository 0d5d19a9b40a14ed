"""The nearest point of the simplex, exact at any scale: what balancers with weights that sum to 1 end their steps with."""

from keras import ops

from mtlzoo.balancing import _masked


def project(values, present):
    """Returns the point of the simplex over the tasks that are present that is nearest to the values; 0 for the others.

    The nearest point is max(v − τ, 0), and τ follows from the sorted values. It does not change if all values move together,
    and entries that are 1 or more below the largest get nothing, so that huge values lose no digits.

    Args:
        values: [T], float64.
        present: [T], bool; all count where none is present.

    Returns:
        [T], float64, not negative, with the sum 1.
    """
    present = _masked.any_of(present)
    top = ops.max(ops.where(present, values, -float("inf")))
    moved = ops.where(present, ops.maximum(values - top, -1.0), -1.0)
    falling = ops.flip(ops.sort(moved))
    places = ops.cumsum(ops.ones_like(falling))
    thresholds = (ops.cumsum(falling) - 1.0) / places
    support = ops.sum(ops.cast(falling > thresholds, "int32"))
    found = ops.maximum(moved - ops.take(thresholds, support - 1), 0.0)
    return ops.where(present, found, ops.zeros_like(found))


def among(point, present):
    """Returns what a point of the simplex over all tasks is over those that are present: [T] with the sum 1, 0 for the others."""
    present = _masked.any_of(present)
    equal = ops.cast(present, "float64")
    kept = equal * point
    kept = ops.where(ops.sum(kept) > 0, kept, equal)
    return kept / ops.sum(kept)


def put_back(point, part, present):
    """Returns the point over all tasks with a new part of those that are present: together they keep what they had, if it is not 0."""
    held = _masked.total(point, present)
    held = ops.where(held > 0, held, _masked.count(present) / ops.cast(ops.shape(point)[0], "float64"))
    return ops.where(present, held * part, point)
