"""Cross-stitch networks (Misra et al. 2016)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import CrossStitch, ForAll
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def cross_stitch(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    per_channel: bool = False,
    own: float = 0.9,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "cross_stitch",
) -> MultiTaskModel:
    """A trunk a task, and after every stage a learnt mixture over tasks: x_i ← Σ_j a_ij x_j.

    Nothing is shared by force: the numbers a say, stage by stage, how much a task reads of the others (`model.sharing()`). Use it for
    few tasks with data enough for a trunk each, and to see where in the network sharing pays. It stands between `single_task`
    (a = identity) and one trunk of T times the width.

    Mixtures follow every stage, the last included. The tasks' trunks run as one. With T tasks, S stages, trunks of P parameters and
    C_s channels behind stage s there are T·P + S·T² parameters in front of the towers, or T·P + T²·Σ_s C_s with `per_channel`. The
    paper gives the numbers a a learning rate of their own, up to a thousand times that of the trunks; here one optimizer moves all.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all trunks run on each of them); or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        per_channel: whether each channel (the last axis of a stage's output) has its own numbers a, instead of one set a stage.
        own: a_ii at the start; the rest of 1 is shared out among the others.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Misra et al., "Cross-stitch networks for multi-task learning", CVPR 2016.

    >>> model = cross_stitch((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> model.count_params() == 2 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * 2**2 + (64 * 10 + 10) + (64 + 1)
    True
    >>> {stage: round(float(matrix[0, 0]), 3) for stage, matrix in model.sharing().items()}
    {'dense1_stitch': 0.9, 'dense2_stitch': 0.9}
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    stages, for_all, last = template.stacked(names, seed, prefix="tasks"), ForAll(name="for_all"), template.names[-1]
    stitches = {
        stage: CrossStitch(names, per_channel=per_channel, own=own, slices="tasks" if stage == last else None, name=f"{stage}_stitch")
        for stage in template.names
    }

    def network(x):
        x = for_all(x)
        for stage in stages:
            x = stitches[stage.name](stage(x))
        return x

    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
