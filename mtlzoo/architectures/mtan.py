"""Multi-task attention network (Liu, Johns and Davison 2019)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import Fold, ForAll, TaskAttention, Unfold
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def mtan(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    width: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "mtan",
) -> MultiTaskModel:
    """One shared trunk, and at each of its stages an attention mask a task that picks from the shared features what the task needs.

    All tasks share the trunk; attention modules, tower and head are a task's own, and the modules of all tasks run as one. Use it
    where tasks look at one input, such as an image, for different things: it is far smaller than a trunk a task, and the masks show
    which channels a task looks at (`model.sharing(x)`, a matrix of tasks × channels for each stage).

    A task's module makes its mask from the features of the stage and from what the task attended to at the stage before: 1×1
    convolutions to `width` channels, batch norm, ReLU, a 1×1 convolution, batch norm, sigmoid. On vectors, which the paper does not have,
    the convolutions are dense and the norms are layer norms: stored statistics of a batch norm do not keep up with training there.
    The paper reads the first layer of a block and masks its last; a stage here may hold anything, and is read and masked at its end, in
    front of a flattening there. What a task attended to passes on through a second copy of the next stage, which all tasks share: the
    paper's shared feature extractor and pooling, whatever the shapes are. Stages without weights have no module; attended features pass
    through them as they are. A trunk of one opaque model has one module, behind it.

    With T tasks, a trunk of P parameters of which P_1 are in its first stage with weights, C_s channels behind stage s, and W_s = `width`
    or C_s, there are P + (P − P_1) + T·Σ_s (C_s·W_s·(1 or, behind the first, 2) + W_s·C_s + N_s·(W_s + C_s)) parameters in front of
    the towers; N_s is 4 for batch norms, those of the statistics included, and 2 for the layer norms of stages that give vectors.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (the trunk and all modules run on each of them); or by input name for a trunk of
            several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        width: channels inside the attention modules, at least 2 where there are vectors; None for as many as the stage has.
        tower: widths of the dense layers of each task between the last attended features and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the trunk has no weights.

    Source: Liu, Johns and Davison, "End-to-end multi-task learning with attention", CVPR 2019.

    >>> model = mtan((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> trunk, modules = (8 * 64 + 64) + 2 * (64 * 64 + 64), 2 * (2 * 64 * 64 + 4 * 64) + 2 * (3 * 64 * 64 + 4 * 64)
    >>> model.count_params() == trunk + modules + (64 * 10 + 10) + (64 + 1)
    True
    >>> import numpy as np
    >>> {stage: masks.shape for stage, masks in model.sharing(np.ones((2, 8))).items()}
    {'dense1_attention': (2, 64), 'dense2_attention': (2, 64)}
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors).flattening_apart()
    features = _inputs.for_tasks(tensors, _Network(template, [task.name for task in tasks], width, seed))
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


class _Network:
    """Layers of the network, made once and applied to as many inputs as there are."""

    def __init__(self, template, names, width, seed):
        shared, passed = template.copy(seed=seed), template.copy("passed", seed)
        self._stages = list(zip(shared, passed, template.stacked(names, seed, prefix="tasks"), strict=True))
        if all(_stages.weightless(own) for _, _, own in self._stages):
            raise ValueError("`trunk` must have weights: features without weights leave attention nothing to pick from.")
        self._attention = {
            own.name: TaskAttention(names, width, seed=seed, slices="tasks", name=f"{own.name}_attention")
            for _, _, own in self._stages
            if not _stages.weightless(own)
        }
        self._for_all = ForAll(name="for_all")
        self._into, self._out = Fold(len(names), name="attended_rows"), Unfold(len(names), name="attended_copies")

    def __call__(self, x):
        attended = None
        for shared, passed, own in self._stages:
            x = shared(x)
            if _stages.weightless(own):
                attended = attended if attended is None else own(attended)
                continue
            read = self._for_all(x)
            if attended is not None:
                read = [read, self._out(passed(self._into(attended)))]
            attended = self._attention[own.name](read)
        return attended
