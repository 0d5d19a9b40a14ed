"""`aggregate`: one step of a balancer on a given Jacobian, for people with their own loops and for tests."""

import keras
from keras import ops

from mtlzoo import checks
from mtlzoo.balancing._batches import BATCHES
from mtlzoo.balancing._registry import get


def aggregate(balancer, jacobian, losses=None):
    """Combines task gradients into one direction, as the balancer does in training; a balancer with a state moves by one step.

    It is for eager code; in a graph use `balancer.combine` after `balancer.set_tasks`. Tasks count as regressions, which matters to
    uncertainty weighting, unless `balancer.set_tasks(kinds)` was called before. FAMO also wants `balancer.look_again` after the step,
    and DWA and staged STCH `balancer.start_epoch` and `end_epoch`, as `fit` gives them.

    Args:
        balancer: a name such as "uncertainty_weighting", or a `Balancer`; use the same object for every step if it has a state.
        jacobian: [T, d], one task's gradient a row, float32 or float64; computed in float64. For balancers of several batches
            also [3, T, d], the gradients of three independent batches.
        losses: [T], or None if the balancer does not look at them.

    Returns:
        A pair: the direction [d], to be used as the gradient, and the weights [T] (None if the direction is no weighted sum
        of the rows); float64 tensors.

    Raises:
        ValueError: the Jacobian is no matrix, has non-finite entries, or losses are needed and missing or of another length; or the
            balancer's problem could not be solved, with its residual.
        TypeError: `balancer` is neither a name nor a `Balancer`.

    Source: the aggregators of TorchJD (Quinton and Rey 2024), which are called the same way.

    >>> direction, weights = aggregate("uncertainty_weighting", [[1.0, 0.0], [0.0, 2.0]], losses=[1.0, 1.0])
    >>> [float(value) for value in direction], [float(value) for value in weights]
    ([0.5, 1.0], [0.5, 0.5])
    """
    balancer = get(checks.instance("balancer", balancer, (str, keras.layers.Layer), "a name or a mtlzoo.balancing.Balancer"))
    jacobian = ops.convert_to_tensor(jacobian, dtype="float64")
    several = balancer.needs == "batches"
    if not (len(jacobian.shape) == 2 or (several and len(jacobian.shape) == 3 and jacobian.shape[0] == BATCHES)) or 0 in jacobian.shape:
        wanted = "a matrix [tasks, parameters]" + (f" or {BATCHES} of them [{BATCHES}, tasks, parameters]" if several else "")
        raise ValueError(f"`jacobian` must be {wanted}; received the shape {tuple(jacobian.shape)}.")
    if not bool(ops.all(ops.isfinite(jacobian))):
        raise ValueError("`jacobian` must be finite; received NaN or infinite entries.")
    tasks = jacobian.shape[-2]
    if losses is None:
        if balancer.reads_losses:
            raise ValueError(f"`losses` must be given for {balancer.name!r}, which weighs by them; received None.")
        losses = ops.ones(tasks)
    losses = ops.convert_to_tensor(losses, dtype="float64")
    if tuple(losses.shape) != (tasks,):
        raise ValueError(f"`losses` must have one entry for each of the {tasks} rows; received the shape {tuple(losses.shape)}.")
    if not bool(ops.all(ops.isfinite(losses))):
        raise ValueError(f"`losses` must be finite; received {[float(loss) for loss in losses]}.")
    if balancer.kinds is None:
        balancer.set_tasks(["regression"] * tasks, [jacobian.shape[-1]])
    if len(balancer.kinds) != tasks:
        raise ValueError(f"`jacobian` must have {len(balancer.kinds)} rows, one a task of {balancer.name!r}; received {tasks}.")
    balancer.set_sizes([jacobian.shape[-1]])
    direction, weights = balancer.combine(losses, ops.ones(tasks, dtype="bool"), jacobian)
    if not bool(ops.all(ops.isfinite(direction))):
        found = "" if balancer.residual is None else f"; the residual of its problem is {float(balancer.residual):.3g}"
        raise ValueError(f"`balancer` {balancer.name!r} found no finite direction for these gradients and losses{found}.")
    return direction, weights
