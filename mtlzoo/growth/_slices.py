"""Which part of a variable is a task's own in a layer that holds a slice for each task."""

import re

from mtlzoo._sharing import operations_behind
from mtlzoo.layers import OwnGradientMixture, StackedLayers


def owned(layer, variable, tasks):
    """Returns what tasks have of a variable of a layer with `slices="tasks"`.

    A task's copies stand one after the other on axis 0, as many for each task, in the order of the tasks. Layers know their names: a
    model that gained tasks, or was cut out of a larger one, has other tasks than its layers.

    Args:
        layer: the layer.
        variable: one of its weights.
        tasks: names of the model's tasks, in order.

    Returns:
        None for a variable without slices; else a dict of task to its places on axis 0, or to True or False where the variable belongs as
        a whole to one task. Tasks for which the layer has nothing are not in it.
    """
    for stack in layer._flatten_layers():
        if isinstance(stack, StackedLayers):
            for place, copy in enumerate(stack.layers):
                if any(variable is weight for weight in copy.weights):
                    return {task: place in places for task, places in _copies(stack.copies, len(stack.copies), tasks).items()}
    found = (getattr(layer, attribute, None) for attribute in ("copies", "tasks", "readers", "children"))
    labels = next((labels for labels in found if labels), None)
    count = variable.shape[0] if len(variable.shape) else 0
    if not count or (labels and len(labels) != count) or (not labels and count % len(tasks)):
        return None
    return _copies(labels, count, tasks)


def read_across(operations):
    """Returns the names of layers whose slices other tasks read too, though they are trained by their own task alone."""
    mixtures = [operation for operation in operations if isinstance(operation, OwnGradientMixture)]
    read = [node.input_tensors[1] for mixture in mixtures for node in mixture._inbound_nodes]
    return {operation.name for tensor in read for operation in operations_behind(tensor)}


def _copies(labels, count, tasks):
    """Places of each task's copies among `count`; labels are the copies' names, or None if they have none."""
    for known in range(len(tasks), 0, -1):
        each, rest = divmod(count, known)
        if not rest and (labels is None or all(_serves(label, tasks[place // each]) for place, label in enumerate(labels))):
            return {task: list(range(index * each, (index + 1) * each)) for index, task in enumerate(tasks[:known])}
    places = {task: [place for place, label in enumerate(labels) if _serves(label, task)] for task in tasks}
    return {task: found for task, found in places.items() if found}


def _serves(label, task):
    return label == task or re.fullmatch(rf"{re.escape(task)}_expert\d+", label) is not None
