"""Shared and task-specific embeddings with stop-gradient gates (Su et al. 2024)."""

from collections.abc import Sequence

import keras

from mtlzoo import checks
from mtlzoo.architectures import _inputs
from mtlzoo.architectures._experts import check_different
from mtlzoo.architectures._levels import each
from mtlzoo.architectures._registry import architecture
from mtlzoo.assemble import assemble
from mtlzoo.layers import Folded, ForAll, Gates, OwnGradientMixture
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


@architecture
def stem(
    inputs,
    tasks: Sequence[Task],
    *,
    trunk=None,
    own: int = 1,
    shared: int = 1,
    embedding: int = 1,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str = "stem",
) -> MultiTaskModel:
    """An embedding of the input for each task and a shared one, experts on each, and gates that read all but teach only their own.

    A task's gate mixes the experts of all tasks and the shared ones, but its gradients stop at the other tasks' experts: every task
    sees what the others know, and none can spoil another's embedding. Shared are the shared embedding and its experts alone. Use it
    where tasks disagree about what inputs are alike, such as users and items in recommendation, so that no single embedding fits.

    The first stages of the trunk are the embedding, with a copy a task and a shared one; each expert has a copy of the rest, and
    reads its task's embedding or the shared one. Where the embedding is the whole trunk, experts are the embeddings themselves. A
    task's gate reads the sum of its own and the shared embedding, averaged over places if there are any. The tasks' embeddings run
    as one, and so do their experts. With embeddings of Q parameters and G features, n own experts a task and S shared ones of P
    parameters each, T tasks have (T + 1)·Q + (T·n + S)·P + T·G·(T·n + S) parameters in front of their towers.

    Args:
        inputs: shape of one input without the batch, such as (28, 28, 1); or a dict of shapes by task name for one input a task,
            which the model then calls `<task>_input` (all embeddings and experts run on each of them); or by input name for a trunk
            of several inputs.
        tasks: the tasks.
        trunk: a name, a `Trunk`, or a Keras layer or model; None for `cnn` on images and `mlp` on vectors.
        own: the number of experts on each task's embedding, at least 1.
        shared: the number of experts on the shared embedding, at least 1.
        embedding: how many of the trunk's first stages are the embedding, at least 1.
        tower: widths of the dense layers of each task between mixture and head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of all initial weights.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel`: outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError, TypeError: an argument is not as said above, the embedding has no weights, or there are several experts on one
            embedding and no weights behind it to tell them apart.

    Source: Su et al., "STEM: unleashing the power of embeddings for multi-task recommendation", AAAI 2024 (STEM-Net of one level).

    >>> model = stem((8,), [Task.multiclass("digit", 10), Task.binary("even")], trunk="mlp", own=1, shared=2, seed=0)
    >>> embeddings, experts = 3 * (8 * 64 + 64), (2 * 1 + 2) * (64 * 64 + 64)
    >>> model.count_params() == embeddings + experts + 2 * 64 * (2 * 1 + 2) + (64 * 10 + 10) + (64 + 1)
    True
    >>> model.get_layer("gates").sharing_labels[1]
    ('digit_expert0', 'even_expert0', 'shared0', 'shared1')
    """
    tasks = check_tasks(tasks)
    made, tensors = _inputs.make_inputs(inputs, tasks)
    template = _inputs.read_trunk(trunk, tensors)
    features = _inputs.for_tasks(tensors, _Embedded(template, [task.name for task in tasks], own, shared, embedding, seed))
    return assemble(made, features, tasks, tower=tower, optimizer=optimizer, balancer=balancer, seed=seed, name=name)


class _Embedded:
    """Embeddings, experts and gates, made once and applied to as many inputs as there are."""

    def __init__(self, template, tasks, own, shared, embedding, seed):
        self._tasks = tasks
        self._counts = checks.integer("own", own, low=1), checks.integer("shared", shared, low=1)
        size = checks.integer("embedding", embedding, low=1)
        if size > len(template.names):
            raise ValueError(f"`embedding` must be at most the {len(template.names)} stages of the trunk; received {size}.")
        mine = [f"{task}_expert{index}" for task in tasks for index in range(own)]
        common = [f"shared{index}" for index in range(shared)]
        self._own = template.stacked(tasks, seed, prefix="own", slices="tasks")[:size]
        self._shared = template.copy("shared", seed)[:size]
        self._own_experts = template.stacked(mine, seed, prefix="own_experts", slices="tasks")[size:]
        self._shared_experts = template.stacked(common, seed, prefix="shared_experts")[size:]
        check_different(self._own_experts, own)
        check_different(self._shared_experts, shared)
        self._for_all, self._each, self._add = ForAll(name="for_all"), each(own, "each_own"), keras.layers.Add(name="embeddings")
        self._gates = Gates([*mine, *common], tasks, seed=seed, slices="tasks", name="gates")
        self._mixture, self._pool = OwnGradientMixture(name="mixture"), None

    def __call__(self, x):
        """Returns what the towers read, [batch, tasks, ...]."""
        own = _inputs.apply(self._own, self._for_all(x))
        if own.shape[1] != len(self._tasks):
            raise ValueError("`trunk` must have weights in its embedding: embeddings without weights are all the same.")
        shared = self._for_all(_inputs.apply(self._shared, x))
        gates = self._gates(self._add([self._vectors(own), self._vectors(shared)]))
        return self._mixture([gates, self._experts(self._own_experts, self._each(own)), self._experts(self._shared_experts, shared)])

    def _experts(self, stages, x):
        found = _inputs.apply(stages, x)
        weights = any(layer.weights for stage in stages for layer in stage.layers)
        if max(self._counts) > 1 and not weights:
            raise ValueError(
                f"`own` and `shared` must be 1 where no weights lie behind the embedding: experts would be all the same; "
                f"received {self._counts[0]} and {self._counts[1]}."
            )
        return found

    def _vectors(self, x):
        """What gates read of embeddings [batch, entries, ...]."""
        axes = len(x.shape) - 3
        if not axes:
            return x
        if self._pool is None:
            self._pool = Folded(getattr(keras.layers, f"GlobalAveragePooling{axes}D")(), self._tasks, name="gates_pool")
        return self._pool(x)
