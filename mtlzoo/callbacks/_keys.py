"""Keys of the logs that callbacks read or add."""

import itertools


def of_task(task):
    """Returns the keys that a task has in the logs of every model: its metrics and its loss."""
    return [f"{task.name}_{name}" for name in (*(metric.name for metric in task.metrics), "loss")]


def of_cosines(tasks):
    """Returns the keys of `GradientSimilarity`: of the mean cosine, and of each pair of tasks, (0, 1), (0, 2), …."""
    pairs = itertools.combinations([task.name for task in tasks], 2)
    return ("mean_cosine", *(f"cosine_{one}_{other}" for one, other in pairs))


def tags(tasks):
    """Returns TensorBoard's tags by key of the logs, for keys of tasks and their gradients, such as `task/left/loss`."""
    found = {key: f"gradients/{key}" for key in of_cosines(tasks)}
    for task in tasks:
        for key in (*of_task(task), f"{task.name}_weight", f"{task.name}_alpha"):
            found[key] = f"task/{task.name}/{key.removeprefix(task.name + '_')}"
    return found
