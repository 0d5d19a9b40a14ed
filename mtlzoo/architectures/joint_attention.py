"""Joint attention over tasks and features, by one token a task (MultiTab-Net, Sinodinos et al. 2026)."""

from collections.abc import Mapping, Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import FeatureTokens, JointAttention, TaskTokens
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def joint_attention(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    width: int = 32,
    heads: int = 4,
    blocks: int = 2,
    tasks_see_tasks: bool = True,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "joint_attention",
) -> MultiTaskModel:
    """A token a task beside the tokens of features, through Transformer blocks that all share: a task reads off what its token found.

    Trunk, tokens of features and blocks are shared by all tasks; the task's token, tower and head are its own. Use it on tables with
    rows enough for a Transformer, where features act together, and for many tasks: one more costs a token and a head. How much tasks
    attend to each other and to the features can be read (`model.sharing(x)`: tasks × tasks and features, for each block).

    Tokens of features are, on vectors without `trunk`, the numbers of the input, and with one those that it ends in; on maps their
    places, on sequences their steps, as they are in front of a flattening at the trunk's end. Attention costs the square of their
    number. A task's token attends to all of them, to itself and, with `tasks_see_tasks`, to the other tasks' tokens. Features never
    attend to tasks, the mask that the paper calls F→T: through them a task's token would reach the other tasks again. With
    `tasks_see_tasks=False` (its T→T mask too) a task's output does not depend on the other tasks' tokens. The paper's attention between
    the rows of a batch is left out: a prediction here depends on its own row alone. The last block is computed for tasks alone.

    With T tasks, B blocks, d = `width`, and N tokens of features made of C numbers or channels, there are
    trunk + (C + N)·d + T·d + B·(12·d² + 12·d) + 2·d parameters in front of the towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all weights are shared, a task reads its own run); or by input name for a trunk of
            several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images, and for none on vectors.
        width: numbers in a token, a multiple of `heads`.
        heads: how many heads attention has.
        blocks: the number of Transformer blocks, at least 1.
        tasks_see_tasks: whether tokens of tasks attend to each other.
        tower: widths of the dense layers of each task between its token and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or whole numbers are to be tokens without a trunk.

    Source: Sinodinos, Wei and Armanfard, "MultiTab: a scalable foundation for multitask learning on tabular data", AAAI 2026; tokens of
        numbers as in Gorishniy et al., "Revisiting deep learning models for tabular data", NeurIPS 2021.

    >>> model = joint_attention((6,), [Task.multiclass("digit", 10), Task.binary("even")], width=16, blocks=3, seed=0)
    >>> tokens, block = (6 + 6) * 16 + 2 * 16, 12 * 16**2 + 12 * 16
    >>> model.count_params() == tokens + 3 * block + 2 * 16 + (16 * 10 + 10) + (16 + 1)
    True
    >>> import numpy as np
    >>> {block: matrix.shape for block, matrix in model.sharing(np.ones((4, 6))).items()}
    {'block1': (2, 3), 'block2': (2, 3), 'block3': (2, 3)}
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages = _read_stages(trunk, tensors, seed)
    width, heads, blocks = checks.integer("width", width), checks.integer("heads", heads, low=1), checks.integer("blocks", blocks, low=1)
    if width < 1 or width % heads:
        raise ValueError(f"`width` must be a multiple of `heads`, which is {heads}; received {width}.")
    layers = [
        FeatureTokens(width, seed=seed, name="feature_tokens"),
        TaskTokens(names, seed=seed, slices=None if tasks_see_tasks else "tasks", name="task_tokens"),
    ]
    for index in range(1, blocks + 1):
        own = None if seed is None else seeds.derive(seed, f"block{index}")
        layers.append(
            JointAttention(names, heads, tasks_see_tasks=tasks_see_tasks, only_tasks=index == blocks, seed=own, name=f"block{index}")
        )
    layers.append(keras.layers.LayerNormalization(name="norm"))
    features = _inputs.for_tasks(tensors, lambda x: _inputs.apply([*stages, *layers], x))
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def _read_stages(trunk, tensors, seed):
    """Stages in front of the tokens; none for a vector without a trunk."""
    tensor = next(iter(tensors.values()))
    if trunk is not None or isinstance(tensor, Mapping) or len(tensor.shape) != 2:
        return _inputs.read_trunk(trunk, tensors).without_flattening().copy(seed=seed)
    if "float" not in tensor.dtype:
        raise ValueError(f"`trunk` must be given for inputs of whole numbers, such as token ids; received inputs of {tensor.dtype}.")
    return ()
