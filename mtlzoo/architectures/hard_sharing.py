"""Hard parameter sharing (Caruana 1997)."""

from collections.abc import Sequence

from mtlzoo.architectures import _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def hard_sharing(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    tower: Sequence[int] = (),
    frozen: Sequence[str] | bool = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "hard_sharing",
) -> MultiTaskModel:
    """One trunk for all tasks, a head a task: the least parameters, the first thing to try.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (the trunk's weights are shared all the same); or by input name for a
            trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        frozen: names of the trunk's stages whose weights stay as they are, or True for the whole trunk.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above.

    Source: Caruana, "Multitask Learning", Machine Learning 28 (1997).

    >>> model = hard_sharing((8,), [Task.multiclass("digit", 10), Task.binary("even")], seed=0)
    >>> model.output_names, model.count_params()
    (['digit', 'even'], 5451)
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages = _inputs.read_trunk(trunk, tensors).copy(seed=seed)
    features = _inputs.shared(tensors, stages)
    _inputs.freeze(stages, frozen)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
