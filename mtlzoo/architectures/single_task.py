"""A trunk a task, nothing shared: the baseline of every comparison."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def single_task(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "single_task",
) -> MultiTaskModel:
    """A trunk and a head for each task in one model, nothing shared: the baseline of every comparison.

    With an optimizer that treats each weight by itself (SGD, Adam and the like, without a global norm) it is T models
    trained apart: same seeds, same weights.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input`; or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: the single-task baseline of the literature, such as Kurin et al. 2022.

    >>> model = single_task((8,), [Task.multiclass("digit", 10), Task.binary("even")], seed=0)
    >>> model.output_names, model.count_params()
    (['digit', 'even'], 10187)
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    features = {task.name: _inputs.apply(template.copy(task.name, seed=seed), tensors[task.name]) for task in tasks}
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
