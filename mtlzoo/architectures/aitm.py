"""Adaptive information transfer multi-task (Xi et al. 2021)."""

from collections.abc import Sequence

from keras import layers

from mtlzoo import checks
from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import AdaptiveTransfer, Calibrator, ForAll, Joint, Unstack
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks
from mtlzoo.trunks import Trunk


@architecture
def aitm(
    inputs,
    tasks: Sequence[Task],
    *,
    penalty: float = 0.6,
    trunk=None,
    tower: Sequence[int] = (64,),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "aitm",
) -> MultiTaskModel:
    """Steps in their order, each with a tower of its own and what the step before found: attention weighs the two.

    For a chain of steps of which the later are rare, such as click → application → approval → activation: a later task starts from
    what the earlier one knows, and takes of it as much as it has use for (`model.sharing(x)`). Outputs are the probabilities of the
    steps themselves, not products (as in `chained`); a penalty keeps a step from being called more likely than the one before:
    penalty · Σ_t mean(max(p_t − p_(t−1), 0)), added to the loss and logged as `calibrator_loss`. It looks at outputs alone: rows without
    labels count too, and no alpha multiplies it, so that a task of alpha 0 is still kept below the one before.

    The trunk is shared; towers run as one. With T tasks and F the last width of the towers, the transfer has (T − 1)·(4·F² + F)
    parameters between towers and heads. The tasks are the chain, in their order, and of any kind; the penalty is between neighbours
    that are both binary.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (the whole chain runs on each of them); or by input name for a trunk of
            several inputs.
        tasks: the tasks, earlier steps first.
        penalty: coefficient of the calibrator; 0 for none.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and transfer, one or more.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Xi et al., "Modeling the sequential dependence among audience multi-step conversions with multi-task learning in targeted
        display advertising", KDD 2021.

    >>> model = aitm((8,), [Task.binary("click"), Task.binary("buy")], trunk="mlp", tower=(16,), seed=0)
    >>> model.count_params() == (8 * 64 + 64 + 64 * 64 + 64) + 2 * (64 * 16 + 16) + (4 * 16**2 + 16) + 2 * (16 + 1)
    True
    >>> import numpy as np
    >>> model.sharing(np.ones((2, 8)))["transfer"].shape
    (2, 2)
    """
    tasks, widths = check_tasks(tasks), checks.widths("tower", tower)
    penalty = checks.number("penalty", penalty, low=0)
    if not widths:
        raise ValueError("`tower` must have at least one width: it makes the vector of a task's own. Received none.")
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    towers = Trunk({f"tower{index}": layers.Dense(width, activation="relu") for index, width in enumerate(widths, start=1)})
    network = [
        *_inputs.read_trunk(trunk, tensors).copy(seed=seed),
        ForAll(name="for_all"),
        *towers.stacked(names, seed, prefix="tasks"),
        AdaptiveTransfer(names, seed=seed, name="transfer"),
        Unstack(len(names), name="features"),
    ]
    # For each task the vectors of all tasks, where its own input is read.
    read = {name: dict(zip(names, parts, strict=True)) for name, parts in _inputs.shared(tensors, network).items()}
    features = {name: read[name][name] for name in names}
    outputs = _calibrated(tasks, read, penalty)
    return assemble(made, features, tasks, outputs=outputs, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def _calibrated(tasks, read, penalty):
    """Returns the function that `assemble` takes as `outputs`, or None where no step is held below the one before."""
    binary = [task.kind == "binary" and task.activation in ("sigmoid", "linear") for task in tasks]
    pairs = {task.name: tasks[index].name for index, task in enumerate(tasks[1:]) if binary[index] and binary[index + 1]}
    if not pairs or not penalty:
        return None

    def outputs(heads):
        calibrator, found = Calibrator(penalty, name="calibrator", dtype="float32"), {}
        for task in tasks:
            if task.name in pairs or task.name in pairs.values():
                own = heads.logits(task.name, read[task.name][task.name])
                if task.name in pairs:
                    before = pairs[task.name]
                    own = calibrator([own, heads.logits(before, read[task.name][before])])
                found[task.name] = Joint(task.activation, name=task.name, dtype="float32")([own])
        return found

    return outputs
