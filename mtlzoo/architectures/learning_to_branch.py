"""Learning to branch (Guo et al. 2020)."""

from collections.abc import Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._experts import check_different
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import Branching, ForAll
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def learning_to_branch(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    nodes: int | None = None,
    temperature: Sequence[float] = (10.0, 0.1),
    steps: int = 1000,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "learning_to_branch",
) -> MultiTaskModel:
    """A tree of the trunk's stages that is learnt: at every stage each node chooses which node of the stage before it reads.

    Every stage has several nodes, copies of the stage with weights of their own. The nodes of the first stage read the input; each
    node of a later stage, and each task in the end, chooses one node of the stage before. In training choices are draws of a
    Gumbel-softmax, the colder the longer training lasts; at inference each is the likeliest one, so that the model is a tree:
    tasks share what lies on the way to a common node, and `branches(model)` reads it. With all choices on one node, as at the
    start, it is `hard_sharing`. Use it where tasks should share the early stages, and nobody knows where they should part.

    As in the paper a tree that is found can be trained on by itself: set `trainable = False` on the layers named `..._branching`
    and compile again; choices are then fixed in training, too.

    All nodes of a stage run as one. With B nodes a stage, S stages, trunks of P parameters and T tasks there are
    B·P + (S − 1)·B² + T·B parameters in front of the towers (B·P with one node), and a count of training steps in each of the S
    choices.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all nodes run on each of them); or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        nodes: the number of nodes of each stage, at least 1; None for as many as tasks.
        temperature: the Gumbel-softmax' temperature at the start and at the end of its fall.
        steps: the number of training steps over which it falls; train for more.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights and draws.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Guo et al., "Learning to branch for multi-task learning", ICML 2020.

    >>> model = learning_to_branch((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> trained = 2 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * 2 + 2 * 2 + (64 * 10 + 10) + (64 + 1)
    >>> model.count_params() == trained + 2
    True
    >>> branches(model)
    [{'dense1_node0': ('digit', 'even')}, {'dense2_node0': ('digit', 'even')}]
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    copies = [f"node{index}" for index in range(len(tasks) if nodes is None else checks.integer("nodes", nodes, low=1))]
    stages, for_all = template.stacked(copies, seed, prefix="nodes"), ForAll(name="for_all")
    check_different(stages, len(copies))
    _stages.with_weights(stages)

    def branching(stage, children, choice):
        return Branching(
            [f"{stage}_{copy}" for copy in copies],
            children,
            temperature=temperature,
            steps=steps,
            seed=None if seed is None else seeds.derive(seed, choice),
            slices="tasks" if children is names else None,
            name=f"{choice}_branching",
        )

    choices = {
        after.name: branching(before.name, [f"{after.name}_{copy}" for copy in copies], after.name)
        for before, after in zip(stages, stages[1:], strict=False)
    }
    last = branching(stages[-1].name, names, "tasks")

    def network(x):
        x = for_all(x)
        for stage in stages:
            x = stage(choices[stage.name](x) if stage.name in choices else x)
        return last(x)

    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def branches(model: keras.Model) -> list[dict[str, tuple[str, ...]]]:
    """Reads the tree that a model of `learning_to_branch` is at inference.

    Args:
        model: a model that `learning_to_branch` made, or that was loaded from its file.

    Returns:
        For each stage, from the first to the last, a dict of each node that is in use to the names of the tasks that pass through it.

    Raises:
        ValueError: the model has no choices of this sort.

    Source: Guo et al., "Learning to branch for multi-task learning", ICML 2020, section 3.4.

    >>> model = learning_to_branch((8,), [Task.binary("a"), Task.binary("b")], trunk="mlp", seed=0)
    >>> _ = model.get_layer("tasks_branching").logits.assign([[1.0, 0.0], [0.0, 1.0]])
    >>> branches(model)
    [{'dense1_node0': ('a', 'b')}, {'dense2_node0': ('a',), 'dense2_node1': ('b',)}]
    """
    layers = [layer for layer in model.layers if isinstance(layer, Branching)]
    if not layers:
        raise ValueError(f"`model` must be made by 'learning_to_branch'; {model.name!r} has no layer of its choices.")
    order = [task.name for task in model.tasks]
    stages, reached = [], {name: [name] for name in order}
    for layer in reversed(layers):
        chosen = dict(zip(layer.children, layer.choices(), strict=True))
        found = {parent: [task for node, tasks in reached.items() if chosen[node] == parent for task in tasks] for parent in layer.parents}
        reached = {node: sorted(tasks, key=order.index) for node, tasks in found.items() if tasks}
        stages.insert(0, {node: tuple(tasks) for node, tasks in reached.items()})
    return stages
