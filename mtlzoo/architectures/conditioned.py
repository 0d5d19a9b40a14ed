"""One network that is told which task it serves (after FiLM, Perez et al. 2018)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import FiLM, Fold, ForAll, Unfold, Unstack
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def conditioned(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "conditioned",
) -> MultiTaskModel:
    """One trunk that is told which task it serves: after every stage a scale and a shift for each task and channel (FiLM).

    All tasks share all of the trunk; what a task has of its own, a vector of scales and shifts a stage, says what it makes of it. Use it
    where tasks want the same things weighed differently, and for many tasks: a task costs few parameters, and a task alone costs one
    pass of one trunk (a SavedModel has a signature for each). `model.sharing()` says how far apart the tasks' modulations are, stage by
    stage. It is ours in that the condition is the task, and the place behind every stage.

    Scales start at one and shifts at zero: at first it is `hard_sharing`. The first stage, which reads the same for all, runs once; behind
    it tasks are rows of the batch, and every stage runs once for all of them (batch normalisation is over all tasks' rows). With a trunk
    of P parameters and C_s channels (the last axis) behind stage s there are P + 2·T·Σ_s C_s parameters in front of the towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input`; or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Perez et al., "FiLM: Visual reasoning with a general conditioning layer", AAAI 2018.

    >>> model = conditioned((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> model.count_params() == (8 * 64 + 64 + 64 * 64 + 64) + 2 * 2 * (64 + 64) + (64 * 10 + 10) + (64 + 1)
    True
    >>> {stage: matrix.tolist() for stage, matrix in model.sharing().items()}["dense1_film"]
    [[0.0, 0.0], [0.0, 0.0]]
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages, for_all = _inputs.read_trunk(trunk, tensors).copy(seed=seed), ForAll(name="for_all")
    films = {stage.name: FiLM(names, slices="tasks", name=f"{stage.name}_film") for stage in stages}
    same = all(tensor is tensors[names[0]] for tensor in tensors.values())
    if same:
        features = _for_all_tasks(tensors[names[0]], stages, films, for_all, len(names))
    else:
        alone = Unstack(1, name="own_features")
        features = {task: alone(_for_one(tensors[task], stages, films, for_all, task))[0] for task in names}
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def _for_all_tasks(x, stages, films, for_all, count):
    """Features [batch, tasks, ...] of one input: behind the first stage, tasks are rows of the batch."""
    first, *others = stages
    x = films[first.name](for_all(first(x)))
    for stage in others:
        x = films[stage.name](Unfold(count, name=f"{stage.name}_unfold")(stage(Fold(count, name=f"{stage.name}_fold")(x))))
    return x


def _for_one(x, stages, films, for_all, task):
    """Features [batch, 1, ...] of one task."""
    for index, stage in enumerate(stages):
        alone = x if index == 0 else Unstack(1, name=f"{task}_{stage.name}_alone")(x)[0]
        x = films[stage.name](for_all(stage(alone)), task=task)
    return x
