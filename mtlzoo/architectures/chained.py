"""Tasks in a chain or graph of conditions: an output is the joint probability along it."""

from collections.abc import Mapping, Sequence

from mtlzoo.architectures import _chain, _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def chained(
    inputs,
    tasks: Sequence[Task],
    *,
    chain: Sequence[str] | None = None,
    parents: Mapping[str, Sequence[str]] | None = None,
    trunk=None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "chained",
) -> MultiTaskModel:
    """Events that can only follow from others: the output of a task is the product of conditional probabilities on the way to it.

    For steps of a funnel, such as shown → clicked → in the basket → bought, or any graph without cycles: an event can happen only if
    all of its parents did, each task has a head for its probability given that they did, and its output is
    P(task) = Π P(k | parents of k) over the task and all its ancestors, each once. So no later step is more likely than an earlier
    one, and every conditional is trained on all rows, not on the few that got so far: labels say whether the event happened, 0 where
    a parent did not. `conditionals(model)` reads the single factors.

    One trunk is shared; tower and head are a task's own, and serve its descendants too. Tasks outside of the chain, of any kind, have
    plain heads on the same features. Products are computed by way of their logits, and so are the losses (`mtlzoo.layers.Joint`).
    There are as many parameters as in `hard_sharing`.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all factors of an output then read that task's input); or by input name for a
            trunk of several inputs.
        tasks: the tasks.
        chain: names of binary tasks, each the parent of the next; None, without `parents`, for all binary tasks in their order, if
            there are two or more (else this is `hard_sharing`).
        parents: dict of binary task name to the names of its parents, for what is no single chain, as in
            `{"click": [], "like": ["click"], "buy": ["click"]}`.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`; those that rotate features or take gradients at="representation" want outputs
            that read one head each, and are refused.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, a declared task is unknown or not binary, or there is a cycle.

    Source: the general form of Ma et al., "Entire space multi-task model", SIGIR 2018, and Wen et al., "Entire space multi-task
        modeling via post-click behavior decomposition", SIGIR 2020; graphs of more than one parent are ours.

    >>> tasks = [Task.binary("click"), Task.binary("buy"), Task.regression("price")]
    >>> model = chained((8,), tasks, chain=["click", "buy"], trunk="mlp", seed=0)
    >>> model.count_params() == (8 * 64 + 64 + 64 * 64 + 64) + 3 * (64 + 1)
    True
    >>> import numpy as np
    >>> found = model.predict(np.ones((1, 8)), verbose=0)
    >>> bool(found["buy"] < found["click"])
    True
    """
    tasks = check_tasks(tasks)
    ancestors = _chain.read_ancestors(tasks, chain, parents)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    features = _inputs.shared(tensors, _inputs.read_trunk(trunk, tensors).copy(seed=seed))
    outputs = _chain.joint_outputs(tasks, features, ancestors)
    return assemble(made, features, tasks, tower=tower, outputs=outputs, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
