"""One-gate mixture of experts, the ancestor of MMoE."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._experts import Experts
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import Unstack
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def omoe(
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
    name: str = "omoe",
) -> MultiTaskModel:
    """Experts and one softmax gate for all tasks, which read the same mixture: hard sharing with a trunk that chooses by input.

    All tasks share stem, experts, gate and the mixture; tower and head are a task's own. Use it where inputs are of different
    sorts but tasks agree about them, and as the middle between hard sharing and MMoE in a comparison.

    Experts are copies of the trunk's stages behind the stem, and run as one. On vectors there is no stem, and the gate reads the
    input. On other inputs the first stage is the stem, and the gate reads its output averaged over places, not the flattened image.
    With E experts of P parameters and G features that the gate reads, stem + E·P + G·E parameters lie in front of the towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (stem, experts and gate run on each of them); or by input name for a trunk
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

    Source: Jacobs et al., "Adaptive mixtures of local experts", Neural Computation 3 (1991); the name is of Ma et al., KDD 2018.

    >>> model = omoe((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", experts=3, seed=0)
    >>> model.count_params() == 3 * (8 * 64 + 64 + 64 * 64 + 64) + 8 * 3 + (64 * 10 + 10) + (64 + 1)
    True
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    network = Experts(template, next(iter(tensors.values())), experts, stem, ["all tasks"], seed=seed)
    single, found = Unstack(1, name="mixed"), {}
    for task in tasks:
        same = [other for other in found if tensors[other] is tensors[task.name]]
        found[task.name] = found[same[0]] if same else single(network(tensors[task.name]))[0]
    return assemble(made, found, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
