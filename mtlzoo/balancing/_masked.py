"""What loss-only balancers share: sums over the tasks that are present, in float64, and a masked step of an optimizer."""

from keras import ops

# The least normal float32: below it a loss counts as 0, so that 1/loss is finite.
LEAST = 1.2e-38
MOST = 3e38


def any_of(present):
    """Returns `present`, or all True where no task is present, so that no sum is empty."""
    return ops.logical_or(present, ops.logical_not(ops.any(present)))


def total(values, present):
    """Returns the sum of the values [T] of tasks that are present."""
    return ops.sum(ops.where(present, values, ops.zeros_like(values)))


def count(present):
    """Returns the number of tasks that are present, float64."""
    return ops.sum(ops.cast(present, "float64"))


def softmax(logits, present):
    """Returns the softmax [T] over the tasks that are present; the others get 0."""
    masked = ops.where(present, logits, -float("inf"))
    powers = ops.exp(masked - ops.max(masked))
    return powers / ops.sum(powers)


def log_sum(logits, present):
    """Returns log Σ exp(logits) over the tasks that are present."""
    masked = ops.where(present, logits, -float("inf"))
    top = ops.max(masked)
    return top + ops.log(ops.sum(ops.exp(masked - top)))


def like(weights, losses):
    """Returns weights in the type of the losses that the caller gave, within the range of float32."""
    return ops.cast(ops.clip(weights, -MOST, MOST), losses.dtype)


def apply(optimizer, variable, gradient, present):
    """Takes one step on a variable [T]; tasks that are not present keep theirs, and the optimizer's moments of it."""
    state = [variable, *(moment for moment in optimizer.variables if tuple(moment.shape) == tuple(variable.shape))]
    before = [ops.convert_to_tensor(kept) + 0.0 for kept in state]
    gradient = ops.where(present, gradient, ops.zeros_like(gradient))
    optimizer.apply([ops.cast(gradient, variable.dtype)], [variable])
    for kept, value in zip(state, before, strict=True):
        kept.assign(ops.where(present, kept, value))


def logs(losses, present):
    """Returns log(losses) [T] in float64, 0 where they do not count, and which count: those present that are not 0."""
    losses = ops.cast(losses, "float64")
    counts = ops.logical_and(any_of(present), ops.logical_not(ops.logical_and(losses >= 0, losses < LEAST)))
    return ops.log(ops.where(counts, losses, 1.0)), counts


def preferences(given, present):
    """Returns preferences [T] in float64: those given, or 1 over the number of tasks present; 0 for the absent ones."""
    shape = ops.ones_like(ops.cast(present, "float64"))
    values = shape / count(present) if given is None else ops.convert_to_tensor(given, dtype="float64")
    return ops.where(present, values, 0.0)
