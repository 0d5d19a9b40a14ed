"""Customized gate control (Tang et al. 2020)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._extraction import Extraction
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def cgc(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    own: int = 1,
    shared: int = 2,
    stem: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "cgc",
) -> MultiTaskModel:
    """Experts of each task's own beside experts that all share, and a softmax gate a task over those two sorts: MMoE with private rooms.

    All tasks share the stem and the shared experts; a task's own experts, gate, tower and head are its own, and no other task reads
    them. Use it where some tasks disagree: what one task alone needs does not disturb the others. Without own experts it is `mmoe`,
    with more levels it is `ple`.

    Experts are copies of the trunk's stages behind the stem; the own ones of all tasks run as one, and so do the shared ones. On
    vectors there is no stem, and gates read the input. On other inputs the first stage is the stem, and gates read its output
    averaged over places. With n own experts a task and S shared ones of P parameters each, and G features that gates read, T tasks
    have stem + (T·n + S)·P + T·G·(n + S) parameters in front of their towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (stem, experts and gates run on each of them); or by input name for a trunk
            of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        own: the number of experts that each task has for itself, at least 0.
        shared: the number of experts that all tasks read, at least 1.
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

    Source: Tang et al., "Progressive layered extraction (PLE): a novel multi-task learning model for personalized recommendations",
        RecSys 2020, section 4.1.

    >>> model = cgc((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", own=1, shared=2, seed=0)
    >>> model.count_params() == (2 * 1 + 2) * (8 * 64 + 64 + 64 * 64 + 64) + 2 * 8 * (1 + 2) + (64 * 10 + 10) + (64 + 1)
    True
    >>> model.get_layer("gates").sharing_labels
    (('digit', 'even'), ('own0', 'shared0', 'shared1'))
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    network = Extraction(template, next(iter(tensors.values())), [task.name for task in tasks], own, shared, stem=stem, seed=seed)
    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
