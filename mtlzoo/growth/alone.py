"""`alone`: the part of a model that serves some of its tasks."""

from mtlzoo import checks
from mtlzoo._sharing import needed_inputs, reads_only
from mtlzoo.model import MultiTaskModel


def alone(model: MultiTaskModel, *names: str, optimizer="adam", balancer=None) -> MultiTaskModel:
    """Returns the part of a model that serves some of its tasks, as a model of its own that has the same layers.

    What the one learns the other knows: the weights are the same variables. So a task that was added can be trained with labels of that
    task alone, and without the work that the others would cost.

    Args:
        model: the model.
        names: the tasks.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.

    Returns:
        A compiled `MultiTaskModel`; its inputs are those that these tasks need, and its alphas those of the model at this moment.

    Raises:
        ValueError: no name, or one that is no task's.
        TypeError: `model` is no `MultiTaskModel`.

    Source: the house.

    >>> import numpy as np
    >>> from mtlzoo import Task, architectures
    >>> model = architectures.hard_sharing((3,), [Task.binary("a"), Task.regression("b")], trunk="mlp", seed=0)
    >>> part = alone(model, "b")
    >>> _ = part.fit(np.ones((4, 3)), {"b": np.ones(4)}, verbose=0)
    >>> part.output_names, bool((part.predict(np.ones((1, 3)), verbose=0)["b"] == model.predict(np.ones((1, 3)), verbose=0)["b"]).all())
    (['b'], True)
    """
    checks.instance("model", model, MultiTaskModel, "a mtlzoo.MultiTaskModel")
    tasks = {task.name: task for task in model.tasks}
    chosen = [tasks[checks.one_of("names", name, tasks)] for name in dict.fromkeys(names)]
    if not chosen:
        raise ValueError(f"`names` must be at least one of the tasks {list(tasks)}; received none.")
    outputs = {task.name: model.output[task.name] for task in chosen}
    shared = model.representation
    there = shared is not None and all(reads_only(output, shared) for output in outputs.values())
    part = MultiTaskModel(
        needed_inputs(model, outputs.values()),
        outputs,
        tasks=chosen,
        representation=shared if there else None,
        name="_".join([model.name, *outputs]),
    )
    part.compile(optimizer, loss_weights={name: model.alphas[name] for name in outputs}, balancer=balancer)
    return part
