"""Sluice networks (Ruder et al. 2019)."""

from collections.abc import Sequence

import keras

from mtlzoo import checks, seeds
from mtlzoo.architectures import _inputs, _stages
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import ForAll, OrthogonalSubspaces, Sluice, StackedDense, StageMixture, stacked
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def sluice(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    subspaces: int = 2,
    own: float = 0.9,
    last: float = 0.9,
    orthogonality: float = 0.01,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "sluice",
) -> MultiTaskModel:
    """A trunk a task; learnt mixtures over the subspaces of all tasks behind every stage, and over stages in front of the head.

    Numbers a say how much each subspace of a task's channels reads of each subspace of every task, so that a task can share one part
    of a stage and keep the other; numbers b say which stages a head reads. An orthogonality penalty keeps the subspaces of a task
    apart. Both can be read (`model.sharing()`). Use it as `cross_stitch`, where tasks may want to share at unlike depths.

    The penalty is `orthogonality` · Σ ‖G_iᵀG_j‖²_F over stages, tasks and pairs of subspaces: G_i are the columns of the stage's last
    kernel that make the channels of subspace i (see `OrthogonalSubspaces`). It is logged as `<stage>_orthogonality_loss`; stages
    without a kernel have none. Units follow every stage that has weights, in front of flattening or global pooling at its end. The
    paper mixes stages of one shape. Here a stage whose output is not of the last one's shape is averaged over places and
    projected to it by a dense layer a task, without bias. All tasks run as one.

    With T tasks, S stages, trunks of P parameters, U subspaces, F features at the end and C_s channels behind those stages s that
    are projected there are T·P + S·(T·U)² + T·S + T·F·Σ_s C_s parameters in front of the towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all trunks run on each of them); or by input name for a trunk of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        subspaces: the number of subspaces, which must divide the number of channels of every stage.
        own: what a subspace reads of itself at the start; the rest of 1 is shared out among the other subspaces of all tasks.
        last: what a head reads of the last stage at the start; the rest of 1 is shared out among the other stages.
        orthogonality: the factor of the penalty, at least 0; 0 adds no loss.
        tower: widths of the dense layers of each task between trunk and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, the trunk has no weights, or no kernel that could be orthogonal.

    Source: Ruder et al., "Latent multi-task architecture learning", AAAI 2019 ("sluice networks").

    >>> model = sluice((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", seed=0)
    >>> model.count_params() == 2 * (8 * 64 + 64 + 64 * 64 + 64) + 2 * (2 * 2) ** 2 + 2 * 2 + (64 * 10 + 10) + (64 + 1)
    True
    >>> {part: matrix.shape for part, matrix in model.sharing().items()}
    {'dense1_sluice': (4, 4), 'dense2_sluice': (4, 4), 'stage_mixture': (2, 2)}
    """
    tasks = check_tasks(tasks)
    names = [task.name for task in tasks]
    made, tensors = _inputs.make_inputs(inputs, tasks)
    stages = _inputs.read_trunk(trunk, tensors).flattening_apart().stacked(names, seed, prefix="tasks")
    mixed = _stages.with_weights(stages)
    # Every run of the network adds its penalty.
    strength = checks.number("orthogonality", orthogonality, low=0) / _inputs.runs(tensors)
    steps, units = {stage.name: stage for stage in stages}, {}
    for stage in mixed:
        slices = "tasks" if stage == mixed[-1] else None
        units[stage] = Sluice(names, subspaces=subspaces, own=own, slices=slices, name=f"{stage}_sluice")
        if strength:
            steps[stage] = _Penalised(steps[stage], subspaces, strength)
    for_all, join = ForAll(name="for_all"), _Join(names, mixed, last, seed)

    def network(x):
        x, current, outputs = for_all(x), None, {}
        for stage, step in steps.items():
            x = step(x)
            if stage in units:
                x, current = units[stage](x), stage
            outputs[current] = x
        return join(outputs)

    features = _inputs.for_tasks(tensors, network)
    if strength and all(steps[stage].layer.kernel() is None for stage in mixed):
        raise ValueError(f"`orthogonality` must be 0 for a trunk without kernels that are trained; received {orthogonality!r}.")
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


class _Penalised:
    """A stacked stage whose layers run inside one that adds the penalty."""

    def __init__(self, stage, subspaces, strength):
        self.stage = stage
        self.layer = OrthogonalSubspaces(stage.layers, subspaces=subspaces, strength=strength, name=f"{stage.name}_orthogonality")

    def __call__(self, x):
        y = self.layer(x)
        self.stage.start()
        return y


class _Join:
    """Brings the outputs of stages to the shape of the last, and mixes them."""

    def __init__(self, names, stages, last, seed):
        self.names, self.stages, self.seed, self.layers = names, stages, seed, {}
        self.mixture = StageMixture(names, stages, last=last, name="stage_mixture")

    def __call__(self, outputs):
        """Returns mixtures [batch, tasks, features]; features that still have places, which no head reads, are left as they are."""
        end = outputs[self.stages[-1]]
        if len(end.shape) != 3:
            return end
        return self.mixture([self._fitted(stage, outputs[stage], end.shape) for stage in self.stages])

    def _fitted(self, stage, x, shape):
        if x.shape == shape:
            return x
        if stage not in self.layers:
            self.layers[stage] = self._layers(stage, len(x.shape) - 3, shape[-1])
        return _inputs.apply(self.layers[stage], x)

    def _layers(self, stage, places, features):
        """Averaging over places if there are any, and a projection a task."""
        copies = []
        for name in self.names:
            dense = keras.layers.Dense(features, use_bias=False, name=f"{name}_{stage}_skip")
            copies.append(keras.layers.Dense.from_config(seeds.reseed(dense.get_config(), self.seed, dense.name)))
        layers = [StackedDense(copies, self.names, slices="tasks", name=f"{stage}_skip")]
        if places:
            pool = getattr(keras.layers, f"GlobalAveragePooling{places}D")()
            layers.insert(0, stacked(pool, self.names, name=f"{stage}_skip_pool"))
        return layers
