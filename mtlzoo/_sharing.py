"""What the tasks of a model share: found in the functional graph, not declared."""

from collections.abc import Mapping

import keras

from mtlzoo import checks
from mtlzoo.layers import Rotation, ToldPreference


def operations_behind(tensor, stop=(), whole=False):
    """Returns the operations that a Keras tensor is computed by, not going behind the tensors in `stop`.

    A layer that has `passes_first` gives back its first inputs as they are, one an output, and only looks at the others.

    Args:
        tensor: a Keras tensor of a functional graph.
        stop: Keras tensors at which the walk ends.
        whole: whether what such layers look at counts too: a Keras model cannot be cut out without it.

    Returns:
        A list of operations, without doubles.
    """
    ends, seen, waiting, found = {id(end) for end in stop}, set(), [tensor], {}
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen or id(tensor) in ends:
            continue
        seen.add(id(tensor))
        history = tensor._keras_history
        found[id(history.operation)] = history.operation
        read = history.operation._inbound_nodes[history.node_index].input_tensors
        passes, place = getattr(history.operation, "passes_first", False) and not whole, history.tensor_index
        waiting += read[place : place + 1] if passes else read
    return list(found.values())


def needed_inputs(model, outputs):
    """Returns the model's inputs that outputs depend on; a dict stays a dict.

    Args:
        model: a functional model.
        outputs: some of its output tensors.

    Returns:
        A Keras tensor, or a dict of them where the model has several inputs.
    """
    behind = {id(operation) for output in outputs for operation in operations_behind(output, whole=True)}
    if isinstance(model.input, Mapping):
        return {key: tensor for key, tensor in model.input.items() if id(tensor._keras_history.operation) in behind}
    return model.input


def told(model, balancer):
    """Returns the variable [T] that holds the preference that the model was told with the batch.

    Args:
        model: a functional model.
        balancer: who reads it.

    Raises:
        ValueError: the model is told none.
    """
    found = [layer for layer in model._flatten_layers() if isinstance(layer, ToldPreference)]
    if not found:
        raise ValueError(
            f"`balancer` {balancer.name!r} with preferences='told' needs a model that is told them; {model.name!r} has no layer "
            "`ToldPreference`. mtlzoo.tuning.train_front makes such a model."
        )
    return found[0].told


def reads_only(output, tensor):
    """Says whether an output depends on the inputs through one tensor only.

    Args:
        output: an output tensor of a functional model.
        tensor: a Keras tensor of the same graph.

    Returns:
        True or False.
    """
    return not any(isinstance(operation, keras.layers.InputLayer) for operation in operations_behind(output, [tensor], whole=True))


class Sharing:
    """Which trainable variables belong to one task, and which are shared: reachable from two or more outputs.

    The variables of a layer that says `slices = "tasks"` hold a slice for each task, and count as each task's own.

    Args:
        model: a built functional model with one output a task.
    """

    def __init__(self, model):
        self.model, self.names = model, [task.name for task in model.tasks]
        reached, sliced = {}, set()
        for index, name in enumerate(self.names):
            for operation in operations_behind(model.output[name]):
                for variable in getattr(operation, "trainable_variables", ()):
                    reached.setdefault(id(variable), set()).add(index)
                    if getattr(operation, "slices", None) == "tasks":
                        sliced.add(id(variable))
        every = range(len(self.names))
        variables = model.trainable_variables
        # With one task there is nothing to tell apart: its weight then multiplies the whole gradient.
        alone = len(self.names) == 1
        self.sliced = [i for i, v in enumerate(variables) if not alone and id(v) in sliced]
        self.shared = [i for i, v in enumerate(variables) if alone or (len(reached.get(id(v), ())) != 1 and id(v) not in sliced)]
        mine = [i for i, v in enumerate(variables) if not alone and (len(reached.get(id(v), ())) == 1 or id(v) in sliced)]
        self.own = [[i for i in mine if t in reached[id(variables[i])]] for t in every]

    def check_shared(self, balancer):
        """Raises `ValueError` for a balancer of gradients on a model that shares nothing."""
        if not self.shared:
            raise ValueError(
                f"`balancer` {balancer.name!r} weighs the gradients of shared parameters, and this model shares none between its tasks. "
                "Use an architecture that shares, such as 'hard_sharing', or a balancer of the losses, such as 'uncertainty_weighting'."
            )

    def rotations(self, tensor, balancer):
        """Returns the rotation of the shared representation that each task has: a list of layers.

        Args:
            tensor: the representation, or None if the architecture has none.
            balancer: who turns them.

        Raises:
            ValueError: a task has none, or more than one.
        """
        found = []
        for name in self.names:
            behind = operations_behind(self.model.output[name], [] if tensor is None else [tensor])
            mine = [operation for operation in behind if isinstance(operation, Rotation)]
            if tensor is None or len(mine) != 1:
                raise ValueError(
                    f"`balancer` {balancer.name!r} turns a rotation in front of each task's head, and task {name!r} has {len(mine)} behind "
                    f"a shared representation. Hand the balancer to the builder, as in hard_sharing(..., balancer={balancer.name!r}), "
                    "which puts them in."
                )
            found += mine
        return found

    def split_at(self, tensor, balancer):
        """Returns the model in front of the shared representation, and for each task its part behind it.

        Args:
            tensor: the representation, or None if the architecture has none.
            balancer: whose `at="representation"` asks for it.

        Returns:
            A pair: a Keras model from the inputs to the representation, and a list of one model a task from there to its output.

        Raises:
            ValueError: the architecture has no representation that all heads read, or a head reads something beside it.
        """
        instead = f"`balancer` {balancer.name!r} must have at='parameters' on this model: "
        if tensor is None:
            raise ValueError(instead + "its tasks do not read one shared representation.")
        encoder = keras.Model(self.model.input, tensor)
        behind = {id(v) for name in self.names for op in operations_behind(self.model.output[name], [tensor]) for v in _variables(op)}
        variables = self.model.trainable_variables
        if any(id(variables[index]) in behind for index in [*self.shared, *self.sliced]) and len(self.names) > 1:
            raise ValueError(instead + "parameters behind the shared representation are shared too.")
        for name in self.names:
            if not reads_only(self.model.output[name], tensor):
                raise ValueError(instead + f"the head of task {name!r} reads the inputs beside the shared representation.")
        return encoder, [keras.Model(tensor, {name: self.model.output[name]}) for name in self.names]


def _variables(operation):
    return getattr(operation, "trainable_variables", ())


def address(model, tensor):
    """Returns where a Keras tensor stands in a model, in plain types: layer, node and place.

    A file holds the model's own nodes alone, so that those are counted that its layers have in this model.
    """
    if tensor is None:
        return None
    history = tensor._keras_history
    own = {id(node) for level in model._nodes_by_depth.values() for node in level}
    before = sum(id(node) in own for node in history.operation._inbound_nodes[: history.node_index])
    return [history.operation.name, before, history.tensor_index]


def tensor_at(model, place):
    """Returns the Keras tensor of a model at an address, or None for None."""
    if place is None or isinstance(place, keras.KerasTensor):
        return place
    name, node, index = checks.instance("representation", place, (list, tuple), "a Keras tensor or its address")
    return model.get_layer(name)._inbound_nodes[node].output_tensors[index]
