"""Adaptive task-to-task fusion (Li et al. 2023)."""

from collections.abc import Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs, _levels, _stages
from mtlzoo.architectures._experts import Stem, apply_experts
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import FusionGates, Mixture
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def adatt(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    own: int = 1,
    shared: int = 0,
    levels: Sequence[int] = (64,),
    stem: int | None = None,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "adatt",
) -> MultiTaskModel:
    """Experts of each task, which at every level reads those of all tasks through a gate, and its own once more as a residual.

    At every level a task's features are a gated sum over the experts of all tasks (and of shared ones, if there are any), which
    depends on the input, plus a learnt linear combination of its own experts, which does not. So a task keeps what is its own, and
    task by task and level by level learns what to take from which other. Use it for tasks of which some pairs are close and others
    not; the weights of each level can be read (`model.sharing(x)`).

    All tasks share the stem and all experts; only the last level's gates, towers and heads are a task's own. Experts of the first
    level are copies of the trunk's stages behind the stem. Those of further levels are one dense ReLU layer, of the widths in
    `levels`, and read the features that their task, or the shared unit, had at the level before, as the gates do. All experts of a
    level run as one. With T tasks, n own experts each, S shared ones, E = T·n + S, P parameters in each of the first level, which
    gives F features, and gates that read G features there are in front of the towers: stem + E·P + T·(G·E + n) for the first level;
    E·(F + 1)·W + T·(F·E + n) for each further one of width W; and for S > 0 the shared unit's G·E + S at every level but the last;
    from level to level F and G become the width W of the level before.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all levels run on each of them); or by input name for a trunk of several
            inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        own: the number of experts of each task at each level, at least 1.
        shared: the number of experts at each level that are no task's; 0 is the paper's AdaTT-sp, more its general form.
        levels: widths of the experts of each level behind the first: (64,) gives two levels; () gives one.
        stem: how many of the trunk's first stages all experts share; None for 0 on vectors and 1 on other inputs.
        tower: widths of the dense layers of each task between fusion and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, the stem leaves the experts no stage with weights, or the trunk ends
            in no vectors.

    Source: Li et al., "AdaTT: adaptive task-to-task fusion network for multitask learning in recommendations", KDD 2023. Gates have
        no bias here, and the weights of own experts are learnt from 1/n on, those of a single one too.

    >>> tasks = [Task.multiclass("digit", 10), Task.binary("even")]
    >>> model = adatt((8,), tasks, trunk="mlp", own=2, levels=(16,), seed=0)
    >>> first = 4 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * (8 * 4 + 2)
    >>> second = 4 * (64 * 16 + 16) + 2 * (64 * 4 + 2)
    >>> model.count_params() == first + second + (16 * 10 + 10) + (16 + 1)
    True
    >>> import numpy as np
    >>> {name: matrix.shape for name, matrix in model.sharing(np.ones((2, 8))).items()}
    {'level1_gates': (2, 4), 'level2_gates': (2, 4)}
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template, names = _inputs.read_trunk(trunk, tensors), [task.name for task in tasks]
    network = _Fusion(template, next(iter(tensors.values())), names, own, shared, levels=levels, stem=stem, seed=seed)
    features = _inputs.for_tasks(tensors, network)
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


class _Fusion:
    """Layers of a network of one or more levels, made once and applied to as many inputs as there are."""

    def __init__(self, template, tensor, tasks, own, shared, *, levels, stem, seed):
        self._tasks, self._widths, self._seed = tasks, _levels.read_widths(levels), seed
        self._own, self._shared = checks.integer("own", own, low=1), checks.integer("shared", shared, low=0)
        self._names = [f"{task}_expert{index}" for task in tasks for index in range(own)] + [f"shared{index}" for index in range(shared)]
        self._stem = Stem(template, tensor, stem, seed)
        self._experts = template.stacked(self._names, seed, prefix="experts")[self._stem.size :]
        last = len(self._widths) + 1
        self._levels = [self._level(number, last) for number in range(1, last + 1)]

    def __call__(self, x):
        """Returns the features of the last level, [batch, tasks, ...]."""
        x, vectors = self._stem(x)
        features = apply_experts(self._experts, x, len(self._names))
        mixed, common = self._levels[0].fused(vectors, vectors, features)
        for level in self._levels[1:]:
            _stages.vectors(mixed)
            mixed, common = level.fused(mixed, common, level.experts(level.inputs(mixed, common)))
        return mixed

    def _level(self, number, last):
        seed = self._seed if number == 1 or self._seed is None else seeds.derive(self._seed, "level", number)
        prefix = f"level{number}_" if last > 1 else ""
        made = _Level()
        slices = "tasks" if number == last else None
        made.gates = FusionGates(self._names, self._tasks, own=self._own, seed=seed, slices=slices, name=f"{prefix}gates")
        made.mixture = Mixture(name=f"{prefix}mixture")
        if number > 1:
            made.each_own = _levels.each(self._own, f"{prefix}each_own")
            made.each_shared = _levels.each(self._shared, f"{prefix}each_shared")
            made.join = keras.layers.Concatenate(axis=1, name=f"{prefix}inputs")
            made.experts = _levels.dense_experts(self._widths[number - 2], self._names, seed, f"{prefix}experts")
        if number < last and self._shared:
            place = len(self._names) - self._shared
            name = f"{prefix}shared_gate"
            made.shared_gate = FusionGates(self._names, ["shared"], own=self._shared, first=place, seed=seed, name=name)
            made.shared_mixture = Mixture(name=f"{prefix}shared_mixture")
        return made


class _Level:
    """The layers of one level; there is no shared gate in the last, nor without shared experts."""

    shared_gate = None

    def inputs(self, mixed, common):
        """Returns what the experts read, [batch, experts, features], for the features of tasks and of the shared unit, or None."""
        own = self.each_own(mixed)
        return own if common is None else self.join([own, self.each_shared(common)])

    def fused(self, mixed, common, features):
        """Returns the tasks' features [batch, tasks, ...] and those of the shared unit [batch, 1, ...], or None."""
        found = self.mixture([self.gates(mixed), features])
        if self.shared_gate is None:
            return found, None
        return found, self.shared_mixture([self.shared_gate(common), features])
