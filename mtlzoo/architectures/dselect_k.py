"""Mixtures of k chosen experts (Hazimeh et al. 2021)."""

from collections.abc import Mapping, Sequence

from mtlzoo import checks
from mtlzoo.architectures import _inputs
from mtlzoo.architectures._experts import Experts
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import DSelectK
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks

_OPTIONS = {"per_example": True, "gamma": 1.0, "entropy": 0.0}


@architecture
def dselect_k(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    experts: int = 4,
    k: int = 2,
    selectors: Mapping | None = None,
    stem: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "dselect_k",
) -> MultiTaskModel:
    """Experts that all tasks share, of which each task learns to read at most k: MMoE whose gates become sparse in training.

    All tasks share stem and experts; selectors, tower and head are a task's own. Use it with many experts, where tasks that have
    little in common should end up with experts apart; which task reads which expert can be read (`model.sharing(x)`).

    A task's gate is a mixture of k selectors, each of which decodes a smooth binary code into weights over the experts; codes that
    have left the smooth step choose one expert each. All weights are differentiable, and all experts are computed. Experts are copies
    of the trunk's stages behind the stem, and run as one, as the selectors of all tasks do. With E experts of P parameters, codes of
    m = ⌈log₂ E⌉ numbers, G features that gates read, T tasks have stem + E·P + T·(G + 1)·c parameters in front of their towers, where
    c = k·(m + 1) columns, or m for k = 1; static selectors have T·c in place of T·(G + 1)·c.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (stem, experts and gates run on each of them); or by input name for a trunk
            of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        experts: the number of experts, at least 1.
        k: how many experts a task reads at most, from 1 to `experts`.
        selectors: None, or a dict of options of `mtlzoo.layers.DSelectK`: "per_example" (True: codes are linear in the input; False:
            the same for all rows), "gamma" (1.0, width of the smooth step) and "entropy" (0.0, weight of the penalty that drives
            codes to bits; it is added to the loss once for each input that the selectors run on, and no balancer weighs it).
        stem: how many of the trunk's first stages all experts share; None for 0 on vectors and 1 on other inputs.
        tower: widths of the dense layers of each task between mixture and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, or the stem leaves the experts no stage with weights.

    Source: Hazimeh et al., "DSelect-k: differentiable selection in the mixture of experts with applications to multi-task learning",
        NeurIPS 2021.

    >>> tasks = [Task.multiclass("digit", 10), Task.binary("even")]
    >>> model = dselect_k((8,), tasks, trunk="mlp", experts=4, k=2, selectors={"entropy": 0.1}, seed=0)
    >>> heads = (64 * 10 + 10) + (64 + 1)
    >>> model.count_params() == 4 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * (8 + 1) * 2 * (2 + 1) + heads
    True
    >>> import numpy as np
    >>> model.sharing(np.ones((2, 8)))["selectors"].shape
    (2, 4)
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template, names = _inputs.read_trunk(trunk, tensors), [task.name for task in tasks]
    options = _read_options(selectors)

    def gates(found):
        return DSelectK(
            found,
            names,
            k=k,
            per_example=options["per_example"],
            gamma=options["gamma"],
            entropy=options["entropy"],
            seed=seed,
            slices="tasks",
            name="selectors",
        )

    network = Experts(template, next(iter(tensors.values())), experts, stem, names, seed=seed, gates=gates)
    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


def _read_options(selectors):
    given = checks.instance("selectors", {} if selectors is None else selectors, Mapping, "None or a dict of options")
    for key in given:
        checks.one_of("selectors key", key, _OPTIONS)
    return {**_OPTIONS, **given}
