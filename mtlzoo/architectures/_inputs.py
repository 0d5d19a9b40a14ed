"""How a builder's `inputs`, `trunk` and `frozen` arguments are read."""

import numbers
from collections.abc import Mapping, Sequence

import keras

from mtlzoo import checks, trunks
from mtlzoo.layers import ForAll, Unstack, run


def make_inputs(inputs, tasks):
    """Returns Keras inputs, and for each task the tensor that its trunk reads.

    Args:
        inputs: the shape of one input without the batch, such as (28, 28, 1), which may end in a dtype, such as (33, "int32"); a
            Keras input tensor; or a dict of these: with the keys `<task>_input` of all tasks (or the task names) each task has
            an input of its own.
        tasks: the tasks.

    Returns:
        A pair: the inputs for the model, and a dict of task name to tensor (or dict of tensors).

    Raises:
        ValueError: a shape is none, or the keys name some tasks and leave others out.
    """
    names = [task.name for task in tasks]
    if not isinstance(inputs, Mapping):
        x = _as_input("inputs", inputs, "input")
        return x, dict.fromkeys(names, x)
    if not inputs:
        raise ValueError("`inputs` must hold at least one shape; received an empty dict.")
    own = {key: key.removesuffix("_input") for key in inputs}
    if set(own.values()) & set(names):
        if len(set(own.values())) < len(own):
            raise ValueError(f"`inputs` must have one shape for each task; received the keys {list(inputs)}, of which two are one task's.")
        checks.exact_keys("inputs", own.values(), names)
        made = {f"{task}_input": _as_input(f"inputs[{key!r}]", inputs[key], f"{task}_input") for key, task in own.items()}
        return made, {task: made[f"{task}_input"] for task in names}
    made = {key: _as_input(f"inputs[{key!r}]", value, key) for key, value in inputs.items()}
    return made, dict.fromkeys(names, made)


def read_trunk(trunk, tensors):
    """Returns the trunk given, or the small default one for the inputs' shape."""
    if trunk is not None:
        return trunks.get(trunk)
    tensor = next(iter(tensors.values()))
    if isinstance(tensor, Mapping):
        raise ValueError(f"`trunk` must be given for several named inputs; received inputs {list(tensor)} and no trunk.")
    return trunks.default(tensor.shape[1:])


def apply(stages, x):
    """Applies stages in order."""
    for stage in stages:
        x = stage(x)
    return x


def for_tasks(tensors, network):
    """Returns the features of all tasks, computed by one network of all tasks.

    Where each task has an input of its own, the network runs on each of them, and a task takes its features from its own run: rows
    of different inputs need not belong together.

    Args:
        tensors: dict of task name to the tensor (or dict of tensors) that it reads.
        network: a function from such a tensor to features [batch, tasks, ...].

    Returns:
        One tensor [batch, tasks, ...] if all tasks read the same, else a dict of task name to [batch, ...].
    """
    first = next(iter(tensors.values()))
    if runs(tensors) == 1:
        return network(first)
    own = Unstack(len(tensors), name="own_features")
    features = {}
    for index, (name, x) in enumerate(tensors.items()):
        with run(index, len(tensors)):
            features[name] = own(network(x))[index]
    return features


def shared(tensors, stages):
    """Returns the features of each task, a dict: those of one trunk on the tensor that the task reads, run once on each tensor."""
    features = {}
    for name, x in tensors.items():
        same = [other for other in features if tensors[other] is x]
        features[name] = features[same[0]] if same else apply(stages, x)
    return features


def runs(tensors):
    """Returns how often `for_tasks` runs the network: once if all tasks read the same, else once a task."""
    first, *others = tensors.values()
    return 1 if all(other is first for other in others) else len(tensors)


def side_by_side(tensors):
    """Returns what the copies of a trunk read, one for each task, as one tensor (or dict) [batch, tasks or 1, ...].

    Args:
        tensors: dict of task name to the tensor (or dict of tensors) that it reads.

    Returns:
        [batch, 1, ...] if all tasks read the same, else [batch, tasks, ...]; None if the inputs' shapes differ or are not known.
    """
    for_all, first = ForAll(name="for_all"), next(iter(tensors.values()))
    if runs(tensors) == 1:
        return for_all(first)
    alike = all(tensor.shape == first.shape and tensor.dtype == first.dtype for tensor in tensors.values())
    if not alike or None in first.shape[1:]:
        return None
    return keras.layers.Concatenate(axis=1, name="side_by_side")([for_all(tensor) for tensor in tensors.values()])


def freeze(stages, frozen):
    """Freezes the stages named, or all with True."""
    names = [stage.name for stage in stages]
    if isinstance(frozen, bool):
        frozen = names if frozen else []
    elif isinstance(frozen, str) or not isinstance(frozen, Sequence):
        raise TypeError(f"`frozen` must be True or a list of stage names of {names}; received {frozen!r}.")
    for name in frozen:
        stages[names.index(checks.one_of("frozen", name, names))].freeze()


def _as_input(argument, value, name):
    if isinstance(value, keras.KerasTensor):
        return value
    if isinstance(value, numbers.Integral):
        value = (value,)
    value, dtype = _without_dtype(value)
    sizes = (type(None), numbers.Integral)
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(size, sizes) for size in value):
        raise TypeError(
            f'`{argument}` must be a shape such as (28, 28, 1), or one with a dtype such as (33, "int32"), or a Keras input; '
            f"received {value!r}."
        )
    return keras.Input(tuple(size if size is None else int(size) for size in value), dtype=dtype, name=name)


def _without_dtype(shape):
    """Returns a shape, and the dtype that it ends in, or None."""
    if isinstance(shape, str) or not isinstance(shape, Sequence) or not shape or not isinstance(shape[-1], str):
        return shape, None
    return shape[:-1], keras.backend.standardize_dtype(shape[-1])
