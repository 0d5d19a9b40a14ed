"""`assemble`: the one end of every architecture, that adds towers and heads, names the outputs and compiles."""

from collections.abc import Callable, Mapping, Sequence

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
    outputs: Callable | None = None,
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
        outputs: None, or a function of the `Heads` that gives the outputs of those tasks whose output is more than that of their own
            head on their own features, a dict by task name; each comes from a layer that has the task's name.
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
    rotates = balancer is not None and balancer.rotates
    if rotates:
        _check_rotated(representation, balancer, outputs)
    read = _stacked_towers(features, tasks, tower, seed) if stacked else _vectors(features, tasks)
    heads = Heads(tasks, () if stacked else tower, seed, balancer.rotation_size if rotates else None, rotates)
    made = outputs(heads) if outputs is not None else {}
    for key in made:
        checks.one_of("outputs key", key, [task.name for task in tasks])
    made = {task.name: made[task.name] if task.name in made else heads.output(task.name, read[task.name]) for task in tasks}
    model = MultiTaskModel(inputs, made, tasks=tasks, representation=representation, name=name)
    model.compile(optimizer, balancer=balancer)
    return model


class Heads:
    """Tower and head of each task, made once, and applied to as many features as there are.

    Args:
        tasks: the tasks.
        tower: widths of the dense ReLU layers in front of the head.
        seed: the one seed that initial weights follow from, by task.
        rotation_size: how many features the rotation in front of each tower turns, if `rotates`; None for all.
        rotates: whether there is such a rotation.

    Source: the house's rule that an architecture only decides who shares what.

    >>> x = keras.Input((8,))
    >>> heads = Heads([Task.binary("a")], (4,), 0)
    >>> heads.output("a", x).shape, heads.logits("a", x).shape
    ((None, 1), (None, 1))
    """

    def __init__(self, tasks, tower, seed, rotation_size=None, rotates=False):
        self._tasks, self._seed, self._read = {task.name: task for task in tasks}, seed, {}
        self._fronts, self._heads = {}, {}
        for name in self._tasks:
            self._fronts[name] = [Rotation(rotation_size, name=f"{name}_rotation")] if rotates else []
            self._fronts[name] += [_dense(width, "relu", f"{name}_tower{index}", seed) for index, width in enumerate(tower, start=1)]

    def output(self, name, x):
        """Returns the output of a task for features [batch, features]: [batch, units], float32, activated; the layer is `<name>`."""
        return self._head(name, name, self._tasks[name].activation)(self._front(name, x))

    def logits(self, name, x):
        """Returns what stands before the activation of a task's output, [batch, units], float32; the layer is `<name>_logits`."""
        return self._head(f"{name}_logits", name, "linear")(self._front(name, x))

    def _head(self, layer, name, activation):
        if layer not in self._heads:  # Losses in float16 would overflow: outputs are float32 under every dtype policy.
            self._heads[layer] = _dense(self._tasks[name].units, activation, layer, self._seed, name, dtype="float32")
        return self._heads[layer]

    def _front(self, name, x):
        key = (name, id(x))
        if key not in self._read:
            y = x
            for layer in self._fronts[name]:
                y = layer(y)
            self._read[key] = (x, y)  # With x, so that its id stays its own.
        return self._read[key][1]


def _check_rotated(representation, balancer, outputs):
    if representation is None or len(representation.shape) != 2 or outputs is not None:
        raise ValueError(
            f"`balancer` {balancer.name!r} rotates one shared representation for each task, and the tasks of this model do not read one. "
            "Use an architecture that shares its trunk, such as 'hard_sharing'."
        )


def _vectors(features, tasks):
    """Returns features by task, once they are known to be vectors."""
    checks.exact_keys("features", features, [task.name for task in tasks])
    for name, x in features.items():
        if len(x.shape) != 2:
            raise ValueError(
                f"`features[{name!r}]` must be vectors [batch, features]; received the shape {x.shape}. "
                "End the trunk with Flatten() or GlobalAveragePooling2D()."
            )
    return features


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


def _dense(units, activation, name, seed, seeded_as=None, dtype=None):
    layer = keras.layers.Dense(units, activation=activation, name=name, dtype=dtype)
    return keras.layers.Dense.from_config(seeds.reseed(layer.get_config(), seed, seeded_as or name))
