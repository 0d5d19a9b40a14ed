"""Multi-gate mixture of experts (Ma et al. 2018)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._experts import Experts
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def mmoe(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    experts: int = 4,
    stem: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "mmoe",
) -> MultiTaskModel:
    """Experts that all tasks share, and a softmax gate a task that mixes them: each task chooses what it shares with whom.

    All tasks share the experts; gate, tower and head are a task's own. Use it where tasks are related in part, or where nobody knows
    how related they are: it costs little more than hard sharing, and the gates show which tasks lean on the same experts
    (`model.sharing(x)`).

    Experts are copies of the trunk's stages behind the stem, and run as one. On vectors there is no stem, and gates read the input,
    as in the paper. On other inputs the first stage is the stem, and gates read its output averaged over places, not the flattened
    image. With E experts of P parameters, G features that gates read, and F that experts give, T tasks have
    stem + E·P + T·G·E parameters in front of their towers, and one more F·units + units in each head (where there is no tower).

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (stem, experts and gates run on each of them); or by input name for a trunk
            of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        experts: the number of experts, at least 1.
        stem: how many of the trunk's first stages all experts share; None for 0 on vectors and 1 on other inputs.
        tower: widths of the dense layers of each task between mixture and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the stem leaves the experts no stage with weights.

    Source: Ma et al., "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts", KDD 2018.

    >>> model = mmoe((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", experts=3, seed=0)
    >>> model.count_params() == 3 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * 8 * 3 + (64 * 10 + 10) + (64 + 1)
    True
    >>> import numpy as np
    >>> model.sharing(np.ones((2, 8)))["gates"].shape
    (2, 3)
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    network = Experts(template, next(iter(tensors.values())), experts, stem, [task.name for task in tasks], slices="tasks", seed=seed)
    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
