"""Progressive layered extraction (Tang et al. 2020)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._extraction import Extraction
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def ple(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    own: int = 1,
    shared: int = 2,
    levels: Sequence[int] = (64,),
    stem: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "ple",
) -> MultiTaskModel:
    """Levels of own and shared experts: tasks mix what they read at every level, and part step by step.

    At every level but the last there is a shared gate besides the tasks' gates: it reads the experts of all tasks, so that what one
    task has learnt reaches the others through the shared experts of the next level. Only in the last level do a task's experts
    serve that task alone. Use it as `cgc`, with many examples and tasks that are related in ways of more than one depth; the gates
    of each level can be read (`model.sharing(x)`).

    Experts of the first level are copies of the trunk's stages behind the stem. Those of further levels are one dense ReLU layer,
    of the widths in `levels`: a task's own read the task's mixture of the level before, the shared ones read the shared mixture, and
    so do the gates. All own experts of a level run as one, and so do the shared ones. With n own experts a task, S shared ones, P
    parameters in each of the first level, which gives F features, and gates that read G, T tasks have in front of their towers
    stem + (T·n + S)·P + T·G·(n + S) for the first level; for each further one of width W (T·n + S)·(F + 1)·W + T·F·(n + S); and
    G·(T·n + S) for the shared gate of every level but the last; from level to level F and G become the width W of the level before.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all levels run on each of them); or by input name for a trunk of several
            inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        own: the number of experts that each task has for itself at each level, at least 0.
        shared: the number of shared experts at each level, at least 1.
        levels: widths of the experts of each level behind the first: (64,) gives two levels; () gives one, which is `cgc`.
        stem: how many of the trunk's first stages all experts share; None for 0 on vectors and 1 on other inputs.
        tower: widths of the dense layers of each task between mixture and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, the stem leaves the experts no stage with weights, or the trunk ends
            in no vectors.

    Source: Tang et al., "Progressive layered extraction (PLE): a novel multi-task learning model for personalized recommendations",
        RecSys 2020, section 4.2. LibMTL has no shared gate; dense experts of given widths behind the trunk are ours.

    >>> tasks = [Task.multiclass("digit", 10), Task.binary("even")]
    >>> model = ple((8,), tasks, trunk="mlp", own=1, shared=2, levels=(16,), seed=0)
    >>> first = 4 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * 8 * 3 + 8 * 4
    >>> second = 4 * (64 * 16 + 16) + 2 * 64 * 3
    >>> model.count_params() == first + second + (16 * 10 + 10) + (16 + 1)
    True
    >>> import numpy as np
    >>> {name: matrix.shape for name, matrix in model.sharing(np.ones((2, 8))).items()}
    {'level1_gates': (2, 3), 'level1_shared_gate': (1, 4), 'level2_gates': (2, 3)}
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template, names = _inputs.read_trunk(trunk, tensors), [task.name for task in tasks]
    network = Extraction(template, next(iter(tensors.values())), names, own, shared, levels=levels, stem=stem, seed=seed)
    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
