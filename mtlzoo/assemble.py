"""`assemble`: the one end of every architecture, that adds towers and heads, names the outputs and compiles."""

from collections.abc import Mapping, Sequence

import keras

from mtlzoo import balancing, checks, seeds
from mtlzoo.layers import Rotation, StackedDense, Unstack
from mtlzoo.model import MultiTaskModel
from mtlzoo.task import Task, check_tasks


def assemble(
    inputs,
    features: Mapping[str, keras.KerasTensor] | keras.KerasTensor,
    tasks: Sequence[Task],
    *,
    tower: Sequence[int] = (),
    optimizer="adam",
    balancer=None,
    seed: int | None = None,
    name: str | None = None,
) -> MultiTaskModel:
    """Adds a tower and a head a task to features, and compiles the model.

    Args:
        inputs: Keras input tensor, or dict of them.
        features: dict of task name to the tensor [batch, features] that its head reads; if it is the same tensor for all, it is
            the shared representation at which balancers may take gradients. Or one tensor [batch, tasks, features] of all
            tasks in their order, whose towers then run as one.
        tasks: the tasks.
        tower: widths of the dense ReLU layers between a task's features and its head.
        optimizer: as in `keras.Model.compile`.
        balancer: as in `MultiTaskModel.compile`.
        seed: the one seed that the heads' initial weights follow from; None leaves them to Keras.
        name: the model's name.

    Returns:
        A compiled `MultiTaskModel` with the outputs `{task.name: [batch, task.units]}`, float32.

    Raises:
        ValueError: a task has no features, or its features are no vectors.

    Source: the house's rule that an architecture only decides who shares what.

    >>> x = keras.Input((8,), name="x")
    >>> model = assemble(x, {"a": x, "b": x}, [Task.binary("a"), Task.regression("b")], tower=(4,))
    >>> [layer.name for layer in model.layers]
    ['x', 'a_tower1', 'b_tower1', 'a', 'b']
    """
    tasks, tower = check_tasks(tasks), checks.widths("tower", tower)
    balancer = balancing.get(balancer)
    stacked = isinstance(features, keras.KerasTensor)
    tensors = [] if stacked else list(features.values())
    representation = tensors[0] if tensors and all(tensor is tensors[0] for tensor in tensors) else None
    if balancer is not None and balancer.rotates:
        features = _rotated(features, representation, balancer)
    if stacked:
        features, tower = _stacked_towers(features, tasks, tower, seed), ()
    checks.exact_keys("features", features, [task.name for task in tasks])
    outputs = {task.name: head(features[task.name], task, tower=tower, seed=seed) for task in tasks}
    model = MultiTaskModel(inputs, outputs, tasks=tasks, representation=representation, name=name)
    model.compile(optimizer, balancer=balancer)
    return model


def head(features: keras.KerasTensor, task: Task, *, tower: Sequence[int] = (), seed: int | None = None) -> keras.KerasTensor:
    """Adds the tower and the head of one task to features.

    Args:
        features: a Keras tensor [batch, features].
        task: the task.
        tower: widths of the dense ReLU layers between features and head.
        seed: the one seed that initial weights follow from; None leaves them to Keras.

    Returns:
        The task's output, [batch, task.units], float32.

    Raises:
        ValueError: the features are no vectors.

    >>> head(keras.Input((8,)), Task.multiclass("digit", 10), tower=(4,)).shape
    (None, 10)
    """
    if len(features.shape) != 2:
        raise ValueError(
            f"`features[{task.name!r}]` must be vectors [batch, features]; received the shape {features.shape}. "
            "End the trunk with Flatten() or GlobalAveragePooling2D()."
        )
    for index, width in enumerate(tower, start=1):
        features = _dense(width, "relu", f"{task.name}_tower{index}", seed)(features)
    # Losses in float16 would overflow: outputs are float32 under every dtype policy.
    return _dense(task.units, task.activation, task.name, seed, dtype="float32")(features)


def _rotated(features, representation, balancer):
    if representation is None or len(representation.shape) != 2:
        raise ValueError(
            f"`balancer` {balancer.name!r} rotates one shared representation for each task, and the tasks of this model do not read one. "
            "Use an architecture that shares its trunk, such as 'hard_sharing'."
        )
    return {name: Rotation(balancer.rotation_size, name=f"{name}_rotation")(x) for name, x in features.items()}


def _stacked_towers(x, tasks, tower, seed):
    """Returns what each head reads, by task, for features [batch, tasks, features]."""
    names = [task.name for task in tasks]
    if len(x.shape) != 3 or x.shape[1] != len(names):
        raise ValueError(
            f"`features` must be vectors a task [batch, {len(names)}, features]; received the shape {x.shape}. "
            "End the trunk with Flatten() or GlobalAveragePooling2D()."
        )
    for index, width in enumerate(tower, start=1):
        copies = [_dense(width, "relu", f"{name}_tower{index}", seed) for name in names]
        x = StackedDense(copies, names, slices="tasks", name=f"towers{index}")(x)
    return dict(zip(names, Unstack(len(names), name="features")(x), strict=True))


def _dense(units, activation, name, seed, dtype=None):
    layer = keras.layers.Dense(units, activation=activation, name=name, dtype=dtype)
    return keras.layers.Dense.from_config(seeds.reseed(layer.get_config(), seed, name))
