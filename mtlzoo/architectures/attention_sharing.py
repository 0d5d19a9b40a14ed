"""Attention-weighted feature sharing: each task decides by a query which groups of features it reads."""

from collections.abc import Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._experts import check_different
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import ForAll, GroupAttention, Mixture
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks

_KEY_WIDTH = 32


@architecture
def attention_sharing(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    groups: int = 2,
    stem: int = 0,
    temperature: float = 1.0,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "attention_sharing",
) -> MultiTaskModel:
    """Shared groups of features beside a private one a task, and a learnt query a task that weighs them by attention.

    The stem and the shared groups belong to all tasks, the private group, the query, tower and head to one. Each task decides for each
    example what it shares and what it keeps to itself, and the weights can be read (`model.sharing(x)`: tasks × groups). Use it where
    tasks are related in part and each has data enough for a trunk of its own; it starts near an even mixture.

    The definition is that of mtlzoo, no paper's. A group is what one copy of the trunk's stages behind the stem gives, [batch, F];
    its key is a linear map of it to 32 numbers, the same map for all groups, so that a group answers by what it found in this example
    (a gate of MMoE looks at the input instead). Task t reads Σ_g w_tg·h_g with w = softmax(q_t·k_g / (√32 · temperature)) over the
    shared groups and its own. With G groups, T tasks and P parameters of the stages behind the stem there are
    stem + (G + T)·P + 32·F + 32·T parameters in front of the towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all groups are computed for each of them); or by input name for a trunk of
            several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        groups: the number of shared groups, at least 1.
        stem: how many of the trunk's first stages all groups share, the private ones too.
        temperature: the less, the more of a task's weight goes to its best group; at 0 it reads that group alone, and queries learn
            by the gradients of temperature 1.
        tower: widths of the dense layers of each task between mixture and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the stem leaves the groups no stage with weights.

    Source: mtlzoo's own reading of attention-weighted sharing; attention over keys is of Vaswani et al., "Attention is all you need",
        NeurIPS 2017, shared and private extractors as in Tang et al., RecSys 2020.

    >>> model = attention_sharing((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", groups=3, seed=0)
    >>> trunks = (3 + 2) * (8 * 64 + 64 + 64 * 64 + 64)
    >>> model.count_params() == trunks + 32 * 64 + 32 * 2 + (64 * 10 + 10) + (64 + 1)
    True
    >>> import numpy as np
    >>> model.sharing(np.ones((2, 8)))["attention"].shape
    (2, 4)
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    stem = _stages.stem_of(template, stem)
    open_to_all = [f"shared{index}" for index in range(checks.integer("groups", groups, low=1))]
    first, for_all = template.copy(seed=seed)[:stem], ForAll(name="for_all")
    shared = _stages.copied(template, open_to_all, seed, prefix="shared", stem=stem)
    check_different(shared, len(open_to_all))
    private = _stages.copied(template, names, seed, prefix="private", stem=stem, slices="tasks")
    together = keras.layers.Concatenate(axis=1, name="groups")
    start = keras.initializers.GlorotUniform(seed=None if seed is None else seeds.derive(seed, "keys"))
    keys = keras.layers.Dense(_KEY_WIDTH, use_bias=False, kernel_initializer=start, name="keys")
    attention = GroupAttention(names, open_to_all, temperature=temperature, seed=seed, slices="tasks", name="attention")
    mixture = Mixture(name="mixture")

    def network(x):
        x = for_all(_inputs.apply(first, x))
        features = together([_stages.vectors(_inputs.apply(stages, x)) for stages in (shared, private)])
        return mixture([attention(keys(features)), features])

    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
