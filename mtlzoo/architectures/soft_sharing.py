"""Soft parameter sharing: a trunk a task, and a penalty that draws them together (Duong et al. 2015; Yang and Hospedales 2017)."""

from collections.abc import Sequence

from mtlzoo import checks
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import ForAll, L2Distance, TraceNorm
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def soft_sharing(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    penalty: str = "l2",
    flattening: str | None = None,
    strength: float = 0.01,
    alternate: bool = False,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "soft_sharing",
) -> MultiTaskModel:
    """A trunk a task, and a penalty on the matching layers of the trunks: they may differ, at a price.

    Penalties of the trunks' weights θ_t, added to the loss and logged as `l2_distance_loss` or `trace_norm_loss`:

    - "l2": strength·Σ_{i<j} ‖θ_i − θ_j‖² over all trained weights. With strength 0 the model is `single_task`, and the greater the
      strength the closer it comes to `hard_sharing`. For tasks that should do nearly the same.
    - "trace": strength·Σ ‖W‖_* over kernels W stacked over tasks. It asks for trunks that are combinations of few common ones, not for
      equal ones. `flattening` says of which matrices the trace norm of a tensor is made (see `TraceNorm`). With one task it still
      bears on that task's kernels.

    `model.sharing()` gives the cosines between the tasks' trunks. No weight is shared in the graph: balancers that need the gradients
    of shared parameters have nothing to work on here. All trunks run as one; with T tasks and trunks of P parameters there are
    T·P parameters in front of the towers, and one number that is not trained with `alternate`.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input`; or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        penalty: "l2" or "trace".
        flattening: "last", "tucker" or "tt" with the trace norm, None for "last"; None with the other penalty.
        strength: the factor of the penalty, at least 0; 0 adds no loss.
        alternate: whether the trunks are moved by the tasks' losses alone in one training step and by the penalty alone in the next,
            and so on. Towers and heads learn in every step, and losses are logged as ever. An optimizer with momentum, such as Adam,
            mixes what it remembers of both sorts of steps; plain SGD keeps them apart.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the trunk has nothing that the penalty could bear on.

    Source: Duong et al., "Low resource dependency parsing: Cross-lingual parameter sharing in a neural network parser", ACL 2015;
        Yang and Hospedales, "Trace norm regularised deep multi-task learning", ICLR workshop 2017.

    >>> model = soft_sharing((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", penalty="trace", seed=0)
    >>> model.count_params() == 2 * (8 * 64 + 64 + 64 * 64 + 64) + (64 * 10 + 10) + (64 + 1)
    True
    >>> list(model.sharing()), model.sharing()["trace_norm"].shape
    (['trace_norm'], (2, 2))
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    checks.one_of("penalty", penalty, ["l2", "trace"])
    if penalty == "l2" and flattening is not None:
        raise ValueError(f"`flattening` must be None with penalty='l2': it is about the trace norm; received {flattening!r}.")
    strength = checks.number("strength", strength, low=0)
    if checks.instance("alternate", alternate, bool, "True or False") and not strength:
        raise ValueError("`alternate` must be False with strength=0: there is no penalty to alternate with.")
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages = _inputs.read_trunk(trunk, tensors).stacked(names, seed, prefix="tasks", slices="tasks")
    _stages.with_weights(stages)
    read = _inputs.side_by_side(tensors)
    if read is None and alternate:
        raise ValueError("`alternate` must be False for inputs of unlike or unknown shapes, on each of which all trunks must run.")
    # Every run of the trunks adds the penalty.
    options = {"strength": strength / (_inputs.runs(tensors) if read is None else 1), "alternate": alternate}
    layers, tied = [layer for stage in stages for layer in stage.layers], None
    if strength and penalty == "l2":
        tied = L2Distance(layers, name="l2_distance", **options)
    elif strength:
        tied = TraceNorm(layers, flattening="last" if flattening is None else flattening, name="trace_norm", **options)

    def network(x):
        if tied is None:
            return _inputs.apply(stages, x)
        y = tied(x)
        for stage in stages:
            stage.start()
        return y

    for_all = ForAll(name="for_all")
    features = _inputs.for_tasks(tensors, lambda x: network(for_all(x))) if read is None else network(read)
    if tied is not None and not (tied.matched_weights() if penalty == "l2" else tied.kernels()):
        raise ValueError(f"`strength` must be 0 for a trunk without weights that the penalty bears on; received {strength!r}.")
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
