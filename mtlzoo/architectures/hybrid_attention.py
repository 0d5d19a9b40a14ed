"""Hybrid attention: extraction a task, interaction between tasks, and a combination of both."""

from collections.abc import Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import ForAll, StackedDense, TaskCombination, TaskInteraction
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def hybrid_attention(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    stem: int = 0,
    width: int = 32,
    own: float = 0.5,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "hybrid_attention",
) -> MultiTaskModel:
    """A trunk a task, attention of tasks to each other's features, and a gate a task between its own features and what it read.

    The stem is shared by all tasks. Each task's features are read by all others, as much as attention says; query, gate, tower and
    head are a task's own. Use it for few tasks with data enough for a trunk each, to see example by example whom a task listens to
    (`model.sharing(x)`: `interaction` is a matrix tasks × tasks, `combination` how much of its own each task keeps).

    The definition is that of mtlzoo, no paper's, in three modules. *Extraction*: E_t(x) ∈ R^F is a copy of the trunk's stages behind
    the stem for each task; the copies run as one. *Interaction*: A = softmax(QKᵀ/√h) over tasks with Q_t = E_t·W_t, K_t = E_t·U_t of
    h = `width` numbers (maps a task, as trunks that start different have features of their own kinds); what is read is A·V with the
    features themselves as values, V_t = E_t, so that one task alone reads itself and is its trunk. *Combination*:
    g_t·E_t + (1 − g_t)·(A·V)_t, with the gate g_t = sigmoid(w_t·[E_t, (A·V)_t] + b_t).

    With T tasks and P parameters of the stages behind the stem there are stem + T·(P + 2·F·h + 2·F + 1) parameters in front of the
    towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all trunks run on each of them); or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        stem: how many of the trunk's first stages all tasks share.
        width: h, the numbers in a query and in a key.
        own: the gate at the start, 0.001 to 0.999: the share of its own features that a task keeps.
        tower: widths of the dense layers of each task between combination and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the stem leaves the tasks no stage with weights.

    Source: mtlzoo's own reading of hybrid attention; the attention is that of Vaswani et al., "Attention is all you need", NeurIPS
        2017, the gate that of Srivastava, Greff and Schmidhuber, "Highway networks", 2015.

    >>> model = hybrid_attention((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", width=16, seed=0)
    >>> trunk = 8 * 64 + 64 + 64 * 64 + 64
    >>> model.count_params() == 2 * (trunk + 2 * 64 * 16 + 2 * 64 + 1) + (64 * 10 + 10) + (64 + 1)
    True
    >>> import numpy as np
    >>> {part: matrix.shape for part, matrix in model.sharing(np.ones((3, 8))).items()}
    {'interaction': (2, 2), 'combination': (2, 2)}
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    stem, width = _stages.stem_of(template, stem), checks.integer("width", width, low=1)
    first, for_all = template.copy(seed=seed)[:stem], ForAll(name="for_all")
    extraction = _stages.copied(template, names, seed, prefix="extraction", stem=stem)
    # A query serves its task alone; a key serves whoever reads it.
    queries = _projection("queries", names, width, seed, slices="tasks")
    keys = _projection("keys", names, width, seed)
    interaction = TaskInteraction(names, name="interaction")
    combination = TaskCombination(names, own=own, slices="tasks", name="combination")

    def network(x):
        features = _stages.vectors(_inputs.apply(extraction, for_all(_inputs.apply(first, x))))
        return combination([features, interaction([queries(features), keys(features), features])])

    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def _projection(role, names, width, seed, slices=None):
    """A linear map a task, which start different."""
    start = keras.initializers.GlorotUniform(seed=None if seed is None else seeds.derive(seed, role))
    return StackedDense(keras.layers.Dense(width, use_bias=False, kernel_initializer=start), names, slices=slices, name=role)
