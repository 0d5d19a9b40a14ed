"""NDDR-CNN: channels of all tasks side by side, brought back to those of one (Gao et al. 2019)."""

from collections.abc import Sequence

import keras

from mtlzoo import checks
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import NDDR, ForAll, StackedBatchNormalization
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def nddr(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    own: float = 0.9,
    batch_norm: bool = True,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "nddr",
) -> MultiTaskModel:
    """A trunk a task; after every stage each task reads the channels of all through a 1×1 convolution, then batch normalisation.

    Where cross-stitch units learn one number for each pair of tasks, here every channel of a task may read every channel of another:
    the most general linear fusion at a place (`model.sharing()` gives its strength for each pair of tasks). Use it for few tasks
    with data enough for a trunk each, on images above all.

    Fusions follow every stage that has weights, the last included; where a stage ends in flattening or global pooling they stand in
    front of that, so that they mix channels and not places. On vectors they are dense layers. All tasks run as one. With T tasks,
    trunks of P parameters and C_s channels behind stage s there are T·P + Σ_s (T²·C_s² + 4·T·C_s) parameters in front of the towers,
    2·T·C_s of which are the statistics of the batch normalisation, which gradients do not train; without it T·P + Σ_s T²·C_s².

    With own=1 and fusions held fixed the model is `single_task` on a trunk with a batch normalisation behind each stage, and with
    batch_norm=False it is `single_task` on the trunk itself. The paper also decays these weights: an optimizer with `weight_decay`
    does that.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all trunks run on each of them); or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        own: what a channel takes of the same channel of its own task at the start; the rest of 1 is shared out among the others'.
        batch_norm: whether batch normalisation follows each fusion, as in the paper; its momentum is 0.9 (with Keras' 0.99 the stored
            statistics trail behind for hundreds of steps).
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the trunk has no weights.

    Source: Gao et al., "NDDR-CNN: Layerwise feature fusing in multi-task CNNs by neural discriminative dimensionality reduction",
        CVPR 2019.

    >>> model = nddr((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> trunks, fusions = 2 * (8 * 64 + 64 + 64 * 64 + 64), 2 * (2**2 * 64**2 + 4 * 2 * 64)
    >>> model.count_params() == trunks + fusions + (64 * 10 + 10) + (64 + 1)
    True
    >>> {stage: round(float(matrix[0, 0]), 3) for stage, matrix in model.sharing().items()}
    {'dense1_nddr': 0.9, 'dense2_nddr': 0.9}
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    checks.instance("batch_norm", batch_norm, bool, "True or False")
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages = _inputs.read_trunk(trunk, tensors).flattening_apart().stacked(names, seed, prefix="tasks")
    fused = _stages.with_weights(stages)
    for_all, modules = ForAll(name="for_all"), {}
    for stage in fused:
        slices = "tasks" if stage == fused[-1] else None
        modules[stage] = [NDDR(names, own=own, slices=slices, name=f"{stage}_nddr")]
        if batch_norm:
            # Statistics over all replicas: training does not depend on how many there are.
            norm = keras.layers.BatchNormalization(momentum=0.9, synchronized=True)
            modules[stage].append(StackedBatchNormalization(norm, names, slices=slices, name=f"{stage}_nddr_norm"))

    def network(x):
        x = for_all(x)
        for stage in stages:
            x = _inputs.apply(modules.get(stage.name, ()), stage(x))
        return x

    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
