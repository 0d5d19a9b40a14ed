"""Entire space multi-task model (Ma et al. 2018)."""

from collections.abc import Sequence

from mtlzoo.architectures import _chain, _inputs
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def esmm(
    inputs,
    tasks: Sequence[Task],
    *,
    click: str | None = None,
    conversion: str | None = None,
    trunk=None,
    tower: Sequence[int] = (64,),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "esmm",
) -> MultiTaskModel:
    """Conversions after clicks, learnt from everything that was shown: pCTCVR = pCTR · pCVR, two towers on one trunk.

    A conversion rate learnt from clicked rows alone is wanted for all rows, and clicked rows are few and not like the others. Here the
    output of the conversion task is the probability of a click *and* a conversion, whose label is known for every row that was shown: 1 for
    click and conversion, else 0. Both losses run over all rows; the conversion rate pCVR is the factor in between, and
    `conditionals(model)` reads it. pCTCVR is never above pCTR.

    The trunk (embeddings, in the paper) is shared; each task has a tower and a head. It is `chained` for two steps. Further tasks, of any
    kind, have plain towers and heads on the same features. There are as many parameters as in `hard_sharing`.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (both factors of pCTCVR then read the conversion's input); or by input name for
            a trunk of several inputs.
        tasks: the tasks, two of them binary.
        click: name of the task whose output is pCTR; None for the first binary task that is not `conversion`.
        conversion: name of the task whose output is pCTCVR; None for the first binary task that is not `click`.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`; see `chained`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or there are fewer than two binary tasks.

    Source: Ma et al., "Entire space multi-task model: an effective approach for estimating post-click conversion rate", SIGIR 2018.

    >>> model = esmm((8,), [Task.binary("click"), Task.binary("buy")], trunk="mlp", tower=(16,), seed=0)
    >>> model.count_params() == (8 * 64 + 64 + 64 * 64 + 64) + 2 * (64 * 16 + 16) + 2 * (16 + 1)
    True
    >>> from mtlzoo.architectures import conditionals
    >>> import numpy as np
    >>> bool(conditionals(model).predict(np.ones((1, 8)), verbose=0)["buy"] > model.predict(np.ones((1, 8)), verbose=0)["buy"])
    True
    """
    tasks = check_tasks(tasks)
    click, conversion = _chain.read_pair(tasks, click, conversion)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    features = _inputs.shared(tensors, _inputs.read_trunk(trunk, tensors).copy(seed=seed))
    outputs = _chain.joint_outputs(tasks, features, {click: (), conversion: (click,)})
    return assemble(made, features, tasks, tower=tower, outputs=outputs, optimizer=optimizer, balancer=balancer, seed=seed, name=name)
