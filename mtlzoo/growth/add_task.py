"""`add_task`: a trained model gains a task."""

from collections.abc import Sequence

import keras

from mtlzoo import checks
from mtlzoo.assemble import Heads
from mtlzoo.growth import _graph, _packing
from mtlzoo.layers import Adapter, Distillation, Fold, Unfold
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task

WAYS = {"head": (), "adapters": ("size", "after"), "packnet": (), "lwf": ("coefficient", "temperature")}


def add_task(
    model: MultiTaskModel,
    task: Task,
    *,
    how: str = "head",
    tower: Sequence[int] = (),
    features: str | None = None,
    size: int | None = None,
    after: Sequence[str] | None = None,
    coefficient: float | None = None,
    temperature: float | None = None,
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
) -> MultiTaskModel:
    """Gives a trained model one more task; what it could do it can still do.

    - "head": a new head on features that stay as they are. The old tasks' outputs stay the same, bit by bit, whatever is trained.
    - "adapters": besides, the new task has a small correction of its own behind each layer with a kernel on the way to its features. The
      old tasks' outputs stay the same, bit by bit.
    - "packnet": the new task reads its features from the same layers, in which weights that are zero, and so used by no task, become its
      own (`mtlzoo.growth.prune` makes such weights). The old tasks' outputs stay the same, bit by bit, and the network does not grow.
    - "lwf" (learning without forgetting): all that the model trains is trained on, and the old tasks' outputs are held near those of a
      frozen copy, on the new task's own inputs; `coefficient=0` is plain fine-tuning. `mtlzoo.growth.settle` takes the copy out afterwards.

    The given model is left as it is: the new one has layers of its own, with the same weights. It is a model like all others, which is
    trained, saved, loaded and exported; but as no builder made it, it has no record of one, and `architectures.rebuild` says so. With
    labels of the new task alone, train `mtlzoo.growth.alone(grown, task.name)`, or after "lwf" give the old tasks labels of weight 0.

    Args:
        model: a trained model.
        task: the new task; no layer of the model has its name.
        how: "head", "adapters", "packnet" or "lwf".
        tower: widths of the dense ReLU layers between the features and the new head.
        features: name of the layer whose output [batch, features] the new task reads; None for what all heads read (those of the first
            tasks, if others were added).
        size: width of the bottleneck of adapters; None for 8.
        after: names of the layers that get an adapter; None for all with a kernel on the way.
        coefficient: factor of the distillation loss; None for 1.
        temperature: that of the distillation; None for 2.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed of the new weights.

    Returns:
        A compiled `MultiTaskModel` with the tasks of `model`, their alphas, and the new one.

    Raises:
        ValueError: the name is taken, the tasks read no shared features and none are named, `features` has copies as rows of the batch, an
            option is of another way, and so on.
        TypeError: `model` is no `MultiTaskModel`, or `task` no `Task`.

    Source: Houlsby et al. (ICML 2019) and Rebuffi et al. (NeurIPS 2017) for adapters; Mallya and Lazebnik (CVPR 2018)
        for "packnet"; Li and Hoiem (ECCV 2016) for "lwf".

    >>> from mtlzoo.architectures import hard_sharing
    >>> model = hard_sharing((8,), [Task.binary("even")], trunk="mlp", seed=0)
    >>> grown = add_task(model, Task.multiclass("digit", 10), how="adapters", size=4, seed=0)
    >>> list(grown.output), [layer.name for layer in grown.layers if layer.trainable_variables]
    (['even', 'digit'], ['digit_dense1_dense_adapter', 'digit_dense2_dense_adapter', 'digit'])
    """
    checks.instance("task", task, Task, "a mtlzoo.Task")
    checks.one_of("how", how, WAYS)
    _check_options(how, {"size": size, "after": after, "coefficient": coefficient, "temperature": temperature})
    tower = checks.widths("tower", tower)
    copy = _graph.copied(model)
    outputs, representation = _graph.without_teachers(copy)
    read = _features(copy, representation, features)
    _check_names(copy, [task.name, *(f"{task.name}_tower{index}" for index in range(1, len(tower) + 1))])
    if how != "lwf":
        for layer in copy.layers:
            layer.trainable = False
    if how == "adapters":
        read = _adapted(copy, read, task.name, 8 if size is None else size, after, seed)
    elif how == "packnet":
        outputs, representation, read = _packing.packed(outputs, representation, read)
    elif how == "lwf" and coefficient != 0:
        outputs = _distilled(model, copy, outputs, 1.0 if coefficient is None else coefficient, temperature)
    outputs[task.name] = Heads([task], tower, seed).output(task.name, read)
    grown = MultiTaskModel(copy.input, outputs, tasks=[*model.tasks, task], representation=representation, name=model.name)
    grown.compile(optimizer, loss_weights={**dict(model.alphas), task.name: task.alpha}, balancer=balancer)
    return grown


def _check_options(how, given):
    for option, value in given.items():
        if value is not None and option not in WAYS[how]:
            owner = next(way for way, options in WAYS.items() if option in options)
            raise ValueError(f"`{option}` is an option of how={owner!r}; received it with how={how!r}.")


def _check_names(copy, wanted):
    taken = {layer.name for layer in copy.layers} | {task.name for task in copy.tasks}
    for name in wanted:
        if name in taken:
            raise ValueError(f"`task` must have a name that no task and no layer of the model has; {name!r} is taken.")


def _features(copy, representation, name):
    """The tensor that the new task reads."""
    if name is None and representation is not None:
        return representation
    # A layer's first run is that of the first tasks; later ones belong to tasks that were added.
    first = {layer.name: layer._inbound_nodes[0].output_tensors for layer in copy.layers}
    vectors = {layer: tensors[0] for layer, tensors in first.items() if len(tensors) == 1 and len(tensors[0].shape) == 2}
    there = {layer: tensor for layer, tensor in vectors.items() if not _folded(tensor)}
    if name in vectors and name not in there:
        raise ValueError(
            f"`features` must be a layer that gives one vector an example; {name!r} lies between Fold and Unfold, where copies are rows of "
            f"the batch. Layers that give vectors are {list(there)}."
        )
    if name is None:
        raise ValueError(
            "`features` must name the layer that the new task reads, since the tasks of this model do not all read the same; "
            f"layers that give vectors are {list(there)}."
        )
    return there[checks.one_of("features", name, there)]


def _folded(tensor):
    """Whether the first axis of a tensor is that of copies too: there is a `Fold` on its way, and no `Unfold` behind it."""
    seen, waiting = set(), [tensor]
    while waiting:
        history = waiting.pop()._keras_history
        if isinstance(history.operation, Fold):
            return True
        if (id(history.operation), history.node_index) not in seen and not isinstance(history.operation, Unfold):
            seen.add((id(history.operation), history.node_index))
            waiting += history.operation._inbound_nodes[history.node_index].input_tensors
    return False


def _adapted(copy, read, name, size, after, seed):
    """The features on a way of their own, with an adapter behind each layer with a kernel, or behind those named."""
    made = {}

    def call(layer, args, kwargs):
        y = layer(*args, **kwargs)
        wanted = bool(_packing.kernels([layer])) if after is None else layer.name in after
        if not wanted:
            return y
        if layer.name not in made:
            if getattr(layer, "data_format", "channels_last") != "channels_last":
                raise ValueError(f"`after` must be layers with their channels on the last axis; {layer.name!r} has them elsewhere.")
            _check_names(copy, [f"{name}_{layer.name}_adapter"])
            made[layer.name] = Adapter(size, seed=seed, name=f"{name}_{layer.name}_adapter")
        return made[layer.name](y)

    if isinstance(after, str):
        raise TypeError(f"`after` must be a sequence of layer names; received {after!r}.")
    for layer in after or ():
        checks.one_of("after", layer, [layer.name for layer in copy.layers])
    adapted = _graph.Path(call).of(read)
    missing = [layer for layer in after or () if layer not in made]
    if missing or not made:
        raise ValueError(f"`after` must name layers on the way to the features, of which one has weights; received {missing or after}.")
    return adapted


def _distilled(model, copy, outputs, coefficient, temperature):
    """The old tasks' outputs, held near those of a frozen copy."""
    other = _graph.copied(model)
    teacher = keras.Model(other.input, _graph.without_teachers(other)[0], name="teacher")
    kinds = {task.name: task.activation if task.activation in ("softmax", "sigmoid") else "linear" for task in model.tasks}
    options = {"coefficient": coefficient, "temperature": 2.0 if temperature is None else temperature}
    _check_names(copy, ["distillation"] if not any(isinstance(layer, Distillation) for layer in copy.layers) else [])
    layer = Distillation(teacher, kinds, **options, name="distillation", dtype="float32")
    held = layer([*(outputs[name] for name in kinds), *keras.tree.flatten(copy.input)])
    return dict(zip(kinds, held, strict=True))
